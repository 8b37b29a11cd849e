import { minute, second } from '../lib/durations.ts'
import type { KeyRecord, MacKeyRecord, RingRecord } from '../store/key-table.ts'

/** What the operator chose. Times in milliseconds. */
export interface KeyPolicy {
  /** How long a key signs before the next one takes over, if that is old enough by then. */
  readonly rotation: number
  /** RSA modulus length of new keys. */
  readonly bits: 2048 | 3072 | 4096
  /** The `max-age` of JWKS answers. */
  readonly jwksMaxAge: number
  /** The longest configured life of an access token. */
  readonly tokenLife: number
  /** The longest configured time that a session may idle. */
  readonly sessionIdle: number
}

/** High marks of the ring: the longest `max-age`, token life and idle time that were ever in use. */
export type Marks = Pick<RingRecord, 'longestMaxAge' | 'longestTokenLife' | 'longestIdle'>

/** What the schedule wants done now. Times are milliseconds since the epoch. */
export type Step =
  /** Make what the ring lacks: at the first start all three, and then the new key signs at once. */
  | { readonly kind: 'create'; readonly current: boolean; readonly next: boolean; readonly macKey: boolean }
  /** Make the high marks durable before anything is issued or served under them. */
  | { readonly kind: 'raise'; readonly marks: Partial<Marks> }
  /** Stop publishing retired keys that nothing valid was signed with. */
  | { readonly kind: 'withdraw'; readonly kids: readonly string[]; readonly macIds: readonly number[] }
  /** Let the published key sign, retire the one that did, and publish another. */
  | { readonly kind: 'activate'; readonly kid: string }
  /** Nothing, until then. */
  | { readonly kind: 'wait'; readonly until: number }

/**
 * A new MAC key is known to every process before the first one uses it, so that no process takes a token for a
 * forgery. Each reads the ring again within {@link longestPause}.
 */
const macKeyNotice = minute

/** How long a process may go without asking the schedule and reading the ring again, at most. */
const longestPause = 30 * second

/**
 * What the ring needs now. The same ring, time and policy always give the same answer; whoever carries it out
 * compares and swaps, so two that ask at once do it once.
 */
export function nextStep(ring: RingRecord, now: number, policy: KeyPolicy): Step {
  const current = ring.keys.find(isCurrent)
  const next = ring.keys.find(isNext)
  const hasMacKey = ring.macKeys.some(isCurrent)
  if (!current || !next || !hasMacKey) {
    return { kind: 'create', current: !current, next: !next, macKey: !hasMacKey }
  }
  const marks = missingMarks(ring, policyMarks(policy))
  if (marks) return { kind: 'raise', marks }

  const kids = ring.keys.filter((key) => isRemovable(key, now)).map((key) => key.kid)
  const macIds = ring.macKeys.filter((key) => isRemovable(key, now)).map((key) => key.id)
  if (kids.length > 0 || macIds.length > 0) return { kind: 'withdraw', kids, macIds }

  const activation = Math.max(
    (current.activatedAt ?? current.createdAt) + policy.rotation,
    signsFrom(next, ring),
  )
  if (activation <= now) return { kind: 'activate', kid: next.kid }
  const removals = [...ring.keys, ...ring.macKeys].filter(isRetired).map((key) => key.removableAt ?? now)
  return { kind: 'wait', until: Math.min(activation, ...removals) }
}

/** The marks that a policy implies. */
export function policyMarks(policy: KeyPolicy): Marks {
  return {
    longestMaxAge: policy.jwksMaxAge,
    longestTokenLife: policy.tokenLife,
    longestIdle: policy.sessionIdle,
  }
}

/** Those of `wanted` that the ring's marks do not reach yet; undefined when they all do. */
export function missingMarks(ring: Marks, wanted: Partial<Marks>): Partial<Marks> | undefined {
  const { longestMaxAge = 0, longestTokenLife = 0, longestIdle = 0 } = wanted
  const missing = {
    ...(longestMaxAge > ring.longestMaxAge && { longestMaxAge }),
    ...(longestTokenLife > ring.longestTokenLife && { longestTokenLife }),
    ...(longestIdle > ring.longestIdle && { longestIdle }),
  }
  return Object.keys(missing).length > 0 ? missing : undefined
}

/** Allowance for clocks that disagree and answers on their way: a minute, less where times are scaled down. */
export function skew(ring: Marks): number {
  return Math.min(minute, Math.max(ring.longestMaxAge, second))
}

/**
 * How old a process's view of the ring may be while it signs and serves the JWKS. What it serves at the end of that
 * time is cached for one `max-age` more; both together are the {@link grace}.
 */
export function viewLife(ring: Marks): number {
  return ring.longestMaxAge + skew(ring)
}

/** How long a key is published before it signs, and after its last token has expired. */
export function grace(ring: Marks): number {
  return 2 * ring.longestMaxAge + skew(ring)
}

/** From when a published key may sign: every cache that lacks it has expired by then. */
export function signsFrom(key: KeyRecord, ring: Marks): number {
  return key.publishedAt + grace(ring)
}

/** Until when a key that is retired at `retiredAt` stays published: nothing it signed is valid any more. */
export function publishedUntil(retiredAt: number, ring: Marks): number {
  return retiredAt + ring.longestTokenLife + grace(ring)
}

/**
 * Until when a MAC key that is retired at `retiredAt` is needed. Its last token may idle to the end before it is
 * redeemed, and then the retry of that redemption, by its key, may come as late as the successor's own end.
 */
export function macKeyNeededUntil(retiredAt: number, ring: Marks): number {
  return retiredAt + macKeyNotice + 2 * ring.longestIdle + skew(ring)
}

/** Which MAC key new refresh tokens get: the newest that every process knows, or else the oldest there is. */
export function macKeyInUse(ring: RingRecord, now: number): MacKeyRecord | undefined {
  const keys = ring.macKeys.filter((key) => !isWithdrawn(key)).sort(byAge)
  return keys.findLast((key) => key.createdAt + macKeyNotice <= now) ?? keys[0]
}

/** How long the rotator sleeps when the schedule says `until`, in milliseconds. */
export function pauseUntil(until: number, now: number, ring: Marks): number {
  const pause = Math.min(longestPause, viewLife(ring) / 4)
  return Math.max(10, Math.min(pause, until - now))
}

/** Whether the JWKS shows the key. */
export function isPublished(key: KeyRecord): boolean {
  return key.state !== 'withdrawn'
}

export function isCurrent(key: KeyRecord | MacKeyRecord): boolean {
  return key.state === 'current'
}

export function isNext(key: KeyRecord): boolean {
  return key.state === 'next'
}

export function isRetired(key: KeyRecord | MacKeyRecord): boolean {
  return key.state === 'retired'
}

export function isWithdrawn(key: KeyRecord | MacKeyRecord): boolean {
  return key.state === 'withdrawn'
}

function isRemovable(key: KeyRecord | MacKeyRecord, now: number): boolean {
  return isRetired(key) && key.removableAt !== null && key.removableAt <= now
}

/** In the order in which they took over, the current one last, whatever a clock that was set back made of their ages. */
function byAge(a: MacKeyRecord, b: MacKeyRecord): number {
  const retirement = (key: MacKeyRecord) => key.retiredAt ?? Number.MAX_SAFE_INTEGER
  return retirement(a) - retirement(b) || a.createdAt - b.createdAt
}
