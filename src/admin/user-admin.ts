import { randomId } from '../lib/ids.ts'
import { quote } from '../lib/quote.ts'
import { findUserIdClaim, type JsonObject } from '../protocol/claims.ts'
import { DuplicateError } from '../store/errors.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import type { UserRecord } from '../store/user-table.ts'
import type { HashPool } from '../users/hash-pool.ts'
import { checkPassword, normalisePassword } from '../users/password-hash.ts'
import { checkNewPassword, type PasswordOwner } from '../users/password-rules.ts'
import { normaliseUsername } from '../users/username.ts'
import { AdminError, notFound } from './admin-error.ts'
import { checkEmail, checkUserClaims, checkUsername } from './validation.ts'

export interface NewUser {
  readonly email?: string
  readonly claims?: JsonObject
  /** Without one the user cannot log in until it is set. */
  readonly password?: string
}

/** What may be said of a user later; what is left out stays as it is. */
export interface UserChanges {
  readonly email?: string | null
  readonly claims?: JsonObject
}

export interface UserAdminOptions {
  readonly store: Store
  readonly hashes: HashPool
  /** In characters. */
  readonly passwordMinLength: number
}

/** Administration of users. Every method throws {AdminError} for what cannot be done. */
export class UserAdmin {
  readonly #store: Store
  readonly #hashes: HashPool
  readonly #passwordMinLength: number

  constructor(options: UserAdminOptions) {
    this.#store = options.store
    this.#hashes = options.hashes
    this.#passwordMinLength = options.passwordMinLength
  }

  async create(name: string, { email, claims = {}, password }: NewUser): Promise<UserRecord> {
    const username = normaliseUsername(name)
    checkUsername(username)
    if (email !== undefined) checkEmail(email)
    checkUserClaims(claims)
    const owner = { username, email: email ?? null }
    const hash = password === undefined ? null : await this.#hash(password, owner)
    try {
      return await this.#store.transaction(async (tx) => {
        const user: UserRecord = {
          id: randomId('usr'),
          username,
          email: email ?? null,
          claims,
          password: hash,
          passwordNormalised: true,
          importedPassword: null,
          passwordImportedAt: null,
          passwordChangedAt: tx.now,
          disabledAt: null,
          createdAt: tx.now,
          updatedAt: tx.now,
        }
        await tx.users.insert(user)
        await tx.record({ type: 'user.created', user: user.id })
        return user
      })
    } catch (error) {
      if (!(error instanceof DuplicateError)) throw error
      const namesake = await this.#store.users.findByUsername(username)
      throw namesake ? new AdminError(`There is a user ${quote(username)} already.`) : takenUserId(claims)
    }
  }

  /** By user name, id or e-mail, in that order. */
  get(name: string): Promise<UserRecord> {
    return find(this.#store, name)
  }

  /** All users by user name, a page at a time. */
  async *list(): AsyncGenerator<UserRecord> {
    for (let after = ''; ; ) {
      const page = await this.#store.users.page(after, 500)
      yield* page
      const last = page.at(-1)
      if (!last) return
      after = last.username
    }
  }

  /** Changes what is said; `email` null takes it away. */
  async update(name: string, { email, claims }: UserChanges): Promise<UserRecord> {
    if (typeof email === 'string') checkEmail(email)
    if (claims) checkUserClaims(claims)
    return this.#change(name, async (tx, user) => {
      await tx.record({ type: 'user.updated', user: user.id })
      return { ...user, ...(email !== undefined && { email }), ...(claims && { claims }) }
    })
  }

  /** Ends the user's sessions. */
  async setPassword(name: string, password: string): Promise<void> {
    const hash = await this.#hash(password, await this.get(name))
    await this.#change(name, async (tx, user) => {
      await endUserSessions(tx, user.id, 'password_changed')
      await tx.record({ type: 'user.password_set', user: user.id })
      return { ...user, password: hash, passwordNormalised: true, passwordChangedAt: tx.now }
    })
  }

  /** Ends the user's sessions. */
  disable(name: string): Promise<UserRecord> {
    return this.#change(name, async (tx, user) => {
      if (user.disabledAt !== null) return user
      await endUserSessions(tx, user.id, 'user_disabled')
      await tx.record({ type: 'user.disabled', user: user.id })
      return { ...user, disabledAt: tx.now }
    })
  }

  enable(name: string): Promise<UserRecord> {
    return this.#change(name, async (tx, user) => {
      if (user.disabledAt === null) return user
      await tx.record({ type: 'user.enabled', user: user.id })
      return { ...user, disabledAt: null }
    })
  }

  /** Ends the user's sessions. A user who takes the name later is another one. */
  async delete(name: string): Promise<void> {
    await this.#store.transaction(async (tx) => {
      const user = await find(tx, name)
      await endUserSessions(tx, user.id, 'user_deleted')
      await tx.users.delete(user.id)
      await tx.record({ type: 'user.deleted', user: user.id })
    })
  }

  #change(
    name: string,
    change: (tx: StoreTransaction, user: UserRecord) => Promise<UserRecord>,
  ): Promise<UserRecord> {
    return this.#store.transaction(async (tx) => {
      const changed = { ...(await change(tx, await find(tx, name))), updatedAt: tx.now }
      const userId = findUserIdClaim(changed.claims)
      const holder = userId === undefined ? undefined : await tx.users.findByUserIdClaim(userId)
      if (holder && holder.id !== changed.id) throw takenUserId(changed.claims)
      await tx.users.update(changed)
      return changed
    })
  }

  async #hash(password: string, owner: PasswordOwner): Promise<string> {
    const normalised = normalisePassword(password)
    checkPassword(normalised)
    await checkNewPassword(normalised, this.#passwordMinLength, owner)
    return this.#hashes.hash(normalised)
  }
}

function takenUserId(claims: JsonObject): AdminError {
  return new AdminError(`Another user has the user_id ${quote(findUserIdClaim(claims) ?? '')} already.`)
}

async function find(tables: Pick<Store, 'users'>, name: string): Promise<UserRecord> {
  const byName = await tables.users.findByUsername(normaliseUsername(name))
  const user = byName ?? (await tables.users.findById(name))
  if (user) return user
  const [first, second] = await tables.users.findByEmail(name)
  if (second) throw new AdminError(`Several users have the e-mail ${quote(name)}; say the user name or id.`)
  if (!first) throw notFound('user', name)
  return first
}

/** Ends what a user has open, in the transaction that is the reason. */
export async function endUserSessions(
  tx: StoreTransaction,
  user: string,
  reason: 'password_changed' | 'user_disabled' | 'user_deleted',
): Promise<void> {
  const count = await tx.sessions.end({ user }, reason, tx.now)
  if (count > 0) await tx.record({ type: 'sessions.revoked', reason, count, user })
}
