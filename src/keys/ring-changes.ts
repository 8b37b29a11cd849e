import type { Event } from '../events/event.ts'
import type { KeyRecord, KeyState, MacKeyRecord, RingChange, RingRecord } from '../store/key-table.ts'
import type { PublicJwk } from './jwks.ts'
import {
  isCurrent,
  isPublished,
  isRetired,
  type Marks,
  macKeyNeededUntil,
  publishedUntil,
} from './schedule.ts'

/** A key whose private half lies in the vault already, and which no ring knows yet. */
export interface FreshKey {
  readonly kid: string
  readonly bits: number
  readonly publicJwk: PublicJwk
}

/** One swap of the ring, and what it means. Pure: the same ring, time and keys give the same draft. */
export interface Draft {
  readonly change: RingChange
  readonly events: readonly Event[]
}

/** What a start makes where the ring lacks it. A current key made here signs at once. */
export interface Missing {
  readonly current?: FreshKey | undefined
  readonly next?: FreshKey | undefined
  readonly macId?: number | undefined
}

export function create(missing: Missing, now: number): Draft {
  const { current, next, macId } = missing
  return {
    change: {
      keys: [
        ...(current ? [newKey(current, 'current', now)] : []),
        ...(next ? [newKey(next, 'next', now)] : []),
      ],
      macKeys: macId === undefined ? [] : [newMacKey(macId, now)],
    },
    events: [
      ...(current ? [created(current.kid), activated(current.kid)] : []),
      ...(next ? [created(next.kid)] : []),
      ...(macId === undefined ? [] : [{ type: 'mac_key.created', id: macId } as const]),
    ],
  }
}

/**
 * Raises the high marks. A MAC key that was retired a moment ago may still be in use, and what is made with it now
 * may idle for the new time; so it is kept accordingly. A signing key needs no such care: whoever signs for the new
 * life has read the ring since, and knows that the key is retired.
 */
export function raise(ring: RingRecord, marks: Partial<Marks>): Draft {
  const raised = { ...ring, ...marks }
  const macKeys = ring.macKeys.filter(isRetired).map((key): MacKeyRecord => {
    const neededUntil = macKeyNeededUntil(key.retiredAt ?? key.createdAt, raised)
    return { ...key, removableAt: Math.max(neededUntil, key.removableAt ?? 0) }
  })
  return { change: { ...marks, macKeys }, events: [] }
}

/** The published key signs from now on, the one that did is retired, and `fresh` is published. */
export function activate(ring: RingRecord, kid: string, fresh: FreshKey, now: number): Draft {
  const retired = ring.keys.filter(isCurrent).map(
    (key): KeyRecord => ({
      ...key,
      state: 'retired',
      retiredAt: now,
      removableAt: publishedUntil(now, ring),
    }),
  )
  const promoted = ring.keys.filter((key) => key.kid === kid).map((key) => promote(key, now))
  return {
    change: { keys: [...retired, ...promoted, newKey(fresh, 'next', now)] },
    events: [activated(kid), created(fresh.kid)],
  }
}

/** Stops publishing signing keys and forgets MAC keys whose time has come. */
export function withdraw(
  ring: RingRecord,
  kids: readonly string[],
  macIds: readonly number[],
  now: number,
): Draft {
  return {
    change: {
      keys: ring.keys.filter((key) => kids.includes(key.kid)).map((key) => end(key, now, false)),
      macKeys: ring.macKeys.filter((key) => macIds.includes(key.id)).map((key) => endMacKey(key, now)),
    },
    events: [
      ...kids.map((kid) => ({ type: 'key.withdrawn', kid }) as const),
      ...macIds.map((id) => ({ type: 'mac_key.withdrawn', id }) as const),
    ],
  }
}

/** Makes `macId` the MAC key; the one before stays known until nothing made with it can be redeemed. */
export function replaceMacKey(ring: RingRecord, macId: number, now: number): Draft {
  const retired = ring.macKeys
    .filter((key) => key.state === 'current')
    .map(
      (key): MacKeyRecord => ({
        ...key,
        state: 'retired',
        retiredAt: now,
        removableAt: macKeyNeededUntil(now, ring),
      }),
    )
  return {
    change: { macKeys: [...retired, newMacKey(macId, now)] },
    events: [{ type: 'mac_key.created', id: macId }],
  }
}

/** What takes the place of a revoked key: the published next key and a fresh one behind it, or a fresh one alone. */
export interface Replacement {
  readonly promoted?: string
  readonly fresh: FreshKey
}

/**
 * Withdraws one key in an emergency. When it was the one that signs, its replacement signs at once, however young:
 * verifiers fetch the JWKS again for a `kid` that they do not know. A retired key needs no replacement.
 */
export function revoke(
  ring: RingRecord,
  kid: string,
  replacement: Replacement | undefined,
  now: number,
): Draft {
  const revoked = ring.keys.filter((key) => key.kid === kid)
  const promoted = ring.keys.filter((key) => key.kid === replacement?.promoted)
  const fresh = replacement?.fresh
  const takesOver = promoted.length === 0 && revoked.some(isCurrent)
  return {
    change: {
      keys: [
        ...revoked.map((key) => end(key, now, true)),
        ...promoted.map((key) => promote(key, now)),
        ...(fresh ? [newKey(fresh, takesOver ? 'current' : 'next', now)] : []),
      ],
    },
    events: [
      { type: 'key.revoked', kid },
      ...promoted.map((key) => activated(key.kid)),
      ...(fresh ? [created(fresh.kid)] : []),
      ...(fresh && takesOver ? [activated(fresh.kid)] : []),
    ],
  }
}

/** Withdraws every signing key and MAC key in an emergency; the fresh ones work at once. */
export function revokeAll(ring: RingRecord, fresh: Required<Missing>, now: number): Draft {
  const keys = ring.keys.filter(isPublished)
  const macKeys = ring.macKeys.filter((key) => key.state !== 'withdrawn')
  const made = create(fresh, now)
  return {
    change: {
      keys: [...keys.map((key) => end(key, now, true)), ...(made.change.keys ?? [])],
      macKeys: [...macKeys.map((key) => endMacKey(key, now)), ...(made.change.macKeys ?? [])],
    },
    events: [
      ...keys.map((key) => ({ type: 'key.revoked', kid: key.kid }) as const),
      ...macKeys.map((key) => ({ type: 'mac_key.revoked', id: key.id }) as const),
      ...made.events,
    ],
  }
}

/** The ring after a swap of `change` has succeeded on it. */
export function applyChange(ring: RingRecord, change: RingChange): RingRecord {
  const { keys = [], macKeys = [], ...marks } = change
  const kids = new Set(keys.map((key) => key.kid))
  const ids = new Set(macKeys.map((key) => key.id))
  return {
    ...ring,
    ...marks,
    version: ring.version + 1,
    keys: [...ring.keys.filter((key) => !kids.has(key.kid)), ...keys],
    macKeys: [...ring.macKeys.filter((key) => !ids.has(key.id)), ...macKeys],
  }
}

function newKey(fresh: FreshKey, state: Extract<KeyState, 'next' | 'current'>, now: number): KeyRecord {
  return {
    kid: fresh.kid,
    state,
    bits: fresh.bits,
    publicJwk: fresh.publicJwk,
    createdAt: now,
    publishedAt: now,
    activatedAt: state === 'current' ? now : null,
    retiredAt: null,
    removableAt: null,
    withdrawnAt: null,
    revoked: false,
  }
}

function newMacKey(id: number, now: number): MacKeyRecord {
  return { id, state: 'current', createdAt: now, retiredAt: null, removableAt: null, withdrawnAt: null }
}

function promote(key: KeyRecord, now: number): KeyRecord {
  return { ...key, state: 'current', activatedAt: now }
}

function end(key: KeyRecord, now: number, revoked: boolean): KeyRecord {
  return { ...key, state: 'withdrawn', withdrawnAt: key.withdrawnAt ?? now, revoked: key.revoked || revoked }
}

function endMacKey(key: MacKeyRecord, now: number): MacKeyRecord {
  return { ...key, state: 'withdrawn', withdrawnAt: key.withdrawnAt ?? now }
}

function created(kid: string): Event {
  return { type: 'key.created', kid }
}

function activated(kid: string): Event {
  return { type: 'key.activated', kid }
}
