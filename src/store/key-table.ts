import type { Knex } from 'knex'
import type { JsonObject } from '../protocol/claims.ts'

/** The life of a signing key: published → signing → published only → gone. */
export type KeyState = 'next' | 'current' | 'retired' | 'withdrawn'

/** One signing key. Times are milliseconds since the epoch, by the database's clock. */
export interface KeyRecord {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  readonly state: KeyState
  readonly bits: number
  /** The public JWK, as the JWKS shows it. */
  readonly publicJwk: JsonObject
  readonly createdAt: number
  readonly publishedAt: number
  readonly activatedAt: number | null
  readonly retiredAt: number | null
  /** When a retired key may be withdrawn: its last token has expired by then, and every cache forgot it. */
  readonly removableAt: number | null
  readonly withdrawnAt: number | null
  /** True when withdrawn in an emergency: nothing it signed is trusted any more. */
  readonly revoked: boolean
}

/** One key of the refresh tokens' MAC. `id` is a positive 32-bit integer, never used again. */
export interface MacKeyRecord {
  readonly id: number
  readonly state: 'current' | 'retired' | 'withdrawn'
  readonly createdAt: number
  readonly retiredAt: number | null
  /** When a retired MAC key may be withdrawn: no session can still idle that long. */
  readonly removableAt: number | null
  readonly withdrawnAt: number | null
}

/** All keys that were ever made, and what their schedule needs to remember. */
export interface RingRecord {
  /** Compare-and-swap counter; 0 before the first key. */
  readonly version: number
  /** The longest `max-age` that a JWKS answer ever carried, in milliseconds. Never shrinks. */
  readonly longestMaxAge: number
  /** The longest life that an access token was ever given, in milliseconds. Never shrinks. */
  readonly longestTokenLife: number
  /** The longest time that a session was ever allowed to idle, in milliseconds. Never shrinks. */
  readonly longestIdle: number
  readonly keys: readonly KeyRecord[]
  readonly macKeys: readonly MacKeyRecord[]
}

/** What one swap writes: whole records (inserted, or replaced by kid or id), and raised high marks. */
export interface RingChange {
  readonly keys?: readonly KeyRecord[]
  readonly macKeys?: readonly MacKeyRecord[]
  readonly longestMaxAge?: number
  readonly longestTokenLife?: number
  readonly longestIdle?: number
}

interface KeyRow {
  kid: string
  state: KeyState
  bits: number
  public_jwk: string
  created_at: number
  published_at: number
  activated_at: number | null
  retired_at: number | null
  removable_at: number | null
  withdrawn_at: number | null
  revoked: number
}

interface MacKeyRow {
  id: number
  state: MacKeyRecord['state']
  created_at: number
  retired_at: number | null
  removable_at: number | null
  withdrawn_at: number | null
}

interface RingRow {
  version: number
  longest_max_age: number
  longest_token_life: number
  longest_idle: number
}

/** The tables `key_ring`, `signing_keys` and `mac_keys`. Private keys never come here. */
export class KeyTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  /** Reads the whole ring as one statement sees it; call it inside a transaction when it must not tear. */
  async read(): Promise<RingRecord> {
    const ring = await this.#query<RingRow>('key_ring').first()
    const keys = await this.#query<KeyRow>('signing_keys').orderBy(['created_at', 'kid'])
    const macKeys = await this.#query<MacKeyRow>('mac_keys').orderBy('id')
    return {
      version: ring?.version ?? 0,
      longestMaxAge: ring?.longest_max_age ?? 0,
      longestTokenLife: ring?.longest_token_life ?? 0,
      longestIdle: ring?.longest_idle ?? 0,
      keys: keys.map(toKeyRecord),
      macKeys: macKeys.map(toMacKeyRecord),
    }
  }

  /**
   * Writes `change` if the ring still has `expectedVersion`, and steps the version.
   * @returns false, having written nothing, when another process was first.
   */
  async swap(expectedVersion: number, change: RingChange): Promise<boolean> {
    const stepped = await this.#query('key_ring')
      .where({ version: expectedVersion })
      .update({
        version: expectedVersion + 1,
        ...(change.longestMaxAge !== undefined && { longest_max_age: change.longestMaxAge }),
        ...(change.longestTokenLife !== undefined && { longest_token_life: change.longestTokenLife }),
        ...(change.longestIdle !== undefined && { longest_idle: change.longestIdle }),
      })
    if (stepped !== 1) return false
    for (const key of change.keys ?? []) {
      await this.#query('signing_keys').insert(toKeyRow(key)).onConflict('kid').merge()
    }
    for (const macKey of change.macKeys ?? []) {
      await this.#query('mac_keys').insert(toMacKeyRow(macKey)).onConflict('id').merge()
    }
    return true
  }
}

function toKeyRecord(row: KeyRow): KeyRecord {
  return {
    kid: row.kid,
    state: row.state,
    bits: row.bits,
    publicJwk: JSON.parse(row.public_jwk),
    createdAt: row.created_at,
    publishedAt: row.published_at,
    activatedAt: row.activated_at,
    retiredAt: row.retired_at,
    removableAt: row.removable_at,
    withdrawnAt: row.withdrawn_at,
    revoked: row.revoked === 1,
  }
}

function toKeyRow(key: KeyRecord): KeyRow {
  return {
    kid: key.kid,
    state: key.state,
    bits: key.bits,
    public_jwk: JSON.stringify(key.publicJwk),
    created_at: key.createdAt,
    published_at: key.publishedAt,
    activated_at: key.activatedAt,
    retired_at: key.retiredAt,
    removable_at: key.removableAt,
    withdrawn_at: key.withdrawnAt,
    revoked: key.revoked ? 1 : 0,
  }
}

function toMacKeyRecord(row: MacKeyRow): MacKeyRecord {
  return {
    id: row.id,
    state: row.state,
    createdAt: row.created_at,
    retiredAt: row.retired_at,
    removableAt: row.removable_at,
    withdrawnAt: row.withdrawn_at,
  }
}

function toMacKeyRow(key: MacKeyRecord): MacKeyRow {
  return {
    id: key.id,
    state: key.state,
    created_at: key.createdAt,
    retired_at: key.retiredAt,
    removable_at: key.removableAt,
    withdrawn_at: key.withdrawnAt,
  }
}
