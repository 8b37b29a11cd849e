import type { Knex } from 'knex'
import { findUserIdClaim, type JsonObject } from '../protocol/claims.ts'
import { readRow } from './single-read.ts'

/** A user. Times are milliseconds since the epoch. */
export interface UserRecord {
  /** Random, never used again; the `sub` of the user's tokens. */
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly claims: JsonObject
  /** The encoded hash; null when the user has no usable password. */
  readonly password: string | null
  /** Whether the password was normalised before it was hashed, as it is for every hash made here. */
  readonly passwordNormalised: boolean
  /**
   * The digest of the hash that the user came with from elsewhere, whatever hash there is by now; null for one who was
   * made here, or came without.
   */
  readonly importedPassword: string | null
  /** When that hash was taken over, which is `passwordChangedAt` until another password is set here; null without one. */
  readonly passwordImportedAt: number | null
  /** When another password was set; a better hash of the same one does not count. */
  readonly passwordChangedAt: number
  readonly disabledAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

interface UserRow {
  id: string
  username: string
  email: string | null
  email_key: string | null
  claims: string
  password: string | null
  password_normalised: number
  imported_password: string | null
  password_imported_at: number | null
  /** The `user_id` of the claims, where it is one: unique, for it names the user to services. */
  user_id_claim: string | null
  password_changed_at: number
  disabled_at: number | null
  created_at: number
  updated_at: number
}

/** The table `users`. */
export class UserTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  async insert(user: UserRecord): Promise<void> {
    await this.#query('users').insert(toRow(user))
  }

  async insertAll(users: readonly UserRecord[]): Promise<void> {
    if (users.length > 0) await this.#query('users').insert(users.map(toRow))
  }

  async update(user: UserRecord): Promise<void> {
    await this.#query('users').where({ id: user.id }).update(toRow(user))
  }

  /**
   * Replaces one hash by another of the same password.
   * @returns false when the password was changed in between; it is left as it is then.
   */
  async upgradePassword(id: string, from: string, to: string): Promise<boolean> {
    const changed = await this.#query('users')
      .where({ id, password: from })
      .update({ password: to, password_normalised: 1 })
    return changed === 1
  }

  async delete(id: string): Promise<void> {
    await this.#query('users').where({ id }).delete()
    await this.#query('foreign_token_ends').where({ user: id }).delete()
  }

  async findById(id: string): Promise<UserRecord | undefined> {
    const row = await readRow<UserRow>(this.#query, 'SELECT * FROM users WHERE id = ?', [id])
    return row && toRecord(row)
  }

  async findByUsername(username: string): Promise<UserRecord | undefined> {
    const row = await this.#query<UserRow>('users').where({ username }).first()
    return row && toRecord(row)
  }

  /** The user whose claim `user_id` it is: whom services of the project that the user came from mean by it. */
  async findByUserIdClaim(userId: string): Promise<UserRecord | undefined> {
    const row = await this.#query<UserRow>('users').where({ user_id_claim: userId }).first()
    return row && toRecord(row)
  }

  /** Every user who has one of the names, of the ids, or of the `user_id` claims. */
  async findAny(names: {
    readonly usernames: readonly string[]
    readonly ids: readonly string[]
    readonly userIds: readonly string[]
  }): Promise<readonly UserRecord[]> {
    const rows = await this.#query<UserRow>('users')
      .whereIn('username', names.usernames)
      .orWhereIn('id', names.ids)
      .orWhereIn('user_id_claim', names.userIds)
    return rows.map(toRecord)
  }

  /** All users of one e-mail address, whatever its case; an address need not be unique. */
  async findByEmail(email: string): Promise<readonly UserRecord[]> {
    const rows = await this.#query<UserRow>('users').where({ email_key: email.toLowerCase() }).limit(2)
    return rows.map(toRecord)
  }

  /** By user name, `limit` at most, those after the user name `after`. */
  async page(after: string, limit: number): Promise<readonly UserRecord[]> {
    const rows = await this.#query<UserRow>('users')
      .where('username', '>', after)
      .orderBy('username')
      .limit(limit)
    return rows.map(toRecord)
  }
}

function toRecord(row: UserRow): UserRecord {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    claims: JSON.parse(row.claims),
    password: row.password,
    passwordNormalised: row.password_normalised === 1,
    importedPassword: row.imported_password,
    passwordImportedAt: row.password_imported_at,
    passwordChangedAt: row.password_changed_at,
    disabledAt: row.disabled_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function toRow(user: UserRecord): UserRow {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    email_key: user.email?.toLowerCase() ?? null,
    claims: JSON.stringify(user.claims),
    password: user.password,
    password_normalised: user.passwordNormalised ? 1 : 0,
    imported_password: user.importedPassword,
    password_imported_at: user.passwordImportedAt,
    user_id_claim: findUserIdClaim(user.claims) ?? null,
    password_changed_at: user.passwordChangedAt,
    disabled_at: user.disabledAt,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  }
}
