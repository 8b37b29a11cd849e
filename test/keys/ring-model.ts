import { publicJwk } from '../../src/keys/jwks.ts'
import {
  activate,
  applyChange,
  create,
  type Draft,
  type FreshKey,
  raise,
  replaceMacKey,
  revoke,
  revokeAll,
  withdraw,
} from '../../src/keys/ring-changes.ts'
import {
  type KeyPolicy,
  macKeyInUse,
  missingMarks,
  nextStep,
  signsFrom,
  viewLife,
} from '../../src/keys/schedule.ts'
import type { KeyRecord, KeyState, RingRecord } from '../../src/store/key-table.ts'

export const emptyRing: RingRecord = {
  version: 0,
  longestMaxAge: 0,
  longestTokenLife: 0,
  longestIdle: 0,
  keys: [],
  macKeys: [],
}

/** A process: what it was configured with, and the ring as it last read it. */
interface Node {
  policy: KeyPolicy
  view: RingRecord
  readAt: number
}

interface Session {
  idle: number
  rotatedAt: number
  macId: number
  previousMacId: number
}

/** Within this time a process has heard of a change, even when the feed told it nothing. */
const heardWithin = 60_000

/**
 * A world of two nodes that see the ring late, verifiers that cache the JWKS as long as they may, access tokens and
 * sessions. Whenever a rule of the design breaks, a sentence that says so is added to `violations`.
 */
export class RingModel {
  readonly violations: string[] = []
  ring = emptyRing
  now = 1_700_000_000_000
  activations = 0
  withdrawals = 0
  #nodes: Node[] = []
  #tokens: { readonly kid: string; readonly expiresAt: number }[] = []
  #caches: { readonly kids: ReadonlySet<string>; readonly expiresAt: number }[] = []
  #sessions: Session[] = []
  #longestMaxAge = 0
  #made = 0
  readonly #withdrawn = new Set<string>()

  constructor(policies: readonly KeyPolicy[]) {
    for (const [index, policy] of policies.entries()) {
      this.#nodes.push({ policy, view: emptyRing, readAt: this.now })
      this.restart(index, policy)
    }
  }

  pass(duration: number): void {
    this.now += duration
  }

  /** The node reads the ring, as it does when the change feed reaches it. */
  hear(index: number): void {
    this.#read(this.#node(index))
  }

  restart(index: number, policy: KeyPolicy): void {
    this.#node(index).policy = policy
    this.tick(index)
  }

  tick(index: number): void {
    const node = this.#node(index)
    for (let steps = 0; ; steps++) {
      if (steps > 10) {
        this.violations.push('the schedule never comes to rest')
        return
      }
      const step = nextStep(this.ring, this.now, node.policy)
      if (step.kind === 'wait') {
        if (step.until <= this.now) this.violations.push('the schedule waits for the past')
        if (nextStep(this.ring, step.until, node.policy).kind === 'wait') {
          this.violations.push('nothing is to be done at the time that the schedule named')
        }
        this.#read(node)
        return
      }
      if (step.kind === 'create') {
        const [current, next] = [this.#freshKey(), this.#freshKey()]
        const draft = create(
          {
            current: step.current ? current : undefined,
            next: step.next ? next : undefined,
            macId: step.macKey ? this.#freshId() : undefined,
          },
          this.now,
        )
        this.#swap(draft)
      } else if (step.kind === 'raise') this.#swap(raise(this.ring, step.marks))
      else if (step.kind === 'activate') this.#activate(step.kid)
      else this.#swap(withdraw(this.ring, step.kids, step.macIds, this.now))
    }
  }

  /** The node signs a token that lives `life`. */
  sign(index: number, life: number): void {
    const node = this.#node(index)
    if (this.now - node.readAt > viewLife(node.view)) this.#read(node)
    if (life > node.view.longestTokenLife) this.#raise(node, { longestTokenLife: life })
    const kid = find(node.view, 'current')?.kid ?? 'none'
    for (const cache of this.#caches) {
      if (cache.expiresAt > this.now && !cache.kids.has(kid))
        this.violations.push(`${kid} signs before every cache has it`)
    }
    const published = this.ring.keys.some((key) => key.kid === kid && key.state !== 'withdrawn')
    if (!published) this.violations.push(`${kid} signs although it is not published`)
    this.#tokens.push({ kid, expiresAt: this.now + life })
  }

  /** A verifier fetches the JWKS from the node and keeps it as long as it may. */
  fetch(index: number): void {
    const node = this.#node(index)
    if (this.now - node.readAt > viewLife(node.view)) this.#read(node)
    const kids = new Set(node.view.keys.filter((key) => key.state !== 'withdrawn').map((key) => key.kid))
    for (const token of this.#tokens) {
      if (token.expiresAt > this.now && !kids.has(token.kid)) {
        this.violations.push(`${token.kid} is gone while a token that it signed lives`)
      }
    }
    this.#longestMaxAge = Math.max(this.#longestMaxAge, node.policy.jwksMaxAge)
    this.#caches.push({ kids, expiresAt: this.now + node.policy.jwksMaxAge })
  }

  /** The node starts a session. */
  login(index: number): void {
    const node = this.#listening(index)
    const idle = node.policy.sessionIdle
    const macId = macKeyInUse(node.view, this.now)?.id ?? 0
    this.#sessions.push({ idle, rotatedAt: this.now, macId, previousMacId: macId })
  }

  /** The node refreshes every session that lives, and must know the keys of both tokens that may be presented. */
  refresh(index: number): void {
    const node = this.#listening(index)
    this.#sessions = this.#sessions.filter((session) => this.now < session.rotatedAt + session.idle)
    const known = new Set(node.view.macKeys.filter((key) => key.state !== 'withdrawn').map((key) => key.id))
    for (const session of this.#sessions) {
      if (!known.has(session.macId))
        this.violations.push('a refresh token is refused because its MAC key is unknown')
      if (!known.has(session.previousMacId))
        this.violations.push('a retry is refused because its MAC key is unknown')
      session.previousMacId = session.macId
      session.macId = macKeyInUse(node.view, this.now)?.id ?? 0
      session.rotatedAt = this.now
    }
  }

  /** An operator asks for the next key. */
  rotate(): void {
    const next = find(this.ring, 'next')
    if (next && signsFrom(next, this.ring) <= this.now) this.#activate(next.kid)
  }

  rotateMac(): void {
    this.#swap(replaceMacKey(this.ring, this.#freshId(), this.now))
  }

  /** An emergency; verifiers are told to fetch again, and what the key signed is forgotten. */
  revoke(state: KeyState): void {
    const key = find(this.ring, state)
    if (!key) return
    const promoted = find(this.ring, 'next')?.kid
    const fresh = this.#freshKey()
    const replacement =
      state === 'next'
        ? { fresh }
        : state === 'current' && promoted !== undefined
          ? { promoted, fresh }
          : undefined
    this.#swap(revoke(this.ring, key.kid, replacement, this.now))
    this.#tokens = this.#tokens.filter((token) => token.kid !== key.kid)
    this.#tellEverybody()
  }

  revokeAll(): void {
    const fresh = { current: this.#freshKey(), next: this.#freshKey(), macId: this.#freshId() }
    this.#swap(revokeAll(this.ring, fresh, this.now))
    this.#tokens = []
    this.#sessions = []
    this.#tellEverybody()
  }

  #activate(kid: string): void {
    this.#swap(activate(this.ring, kid, this.#freshKey(), this.now))
    this.activations++
    const publishedAt = this.ring.keys.find((key) => key.kid === kid)?.publishedAt ?? this.now
    const skew = Math.min(60_000, Math.max(1_000, this.#longestMaxAge))
    if (this.now - publishedAt < 2 * this.#longestMaxAge + skew) {
      this.violations.push(`${kid} signs before it was published for twice the longest max-age and the skew`)
    }
  }

  #swap({ change, events }: Draft): void {
    this.ring = applyChange(this.ring, change)
    const kids = this.ring.keys.map((key) => key.kid)
    if (new Set(kids).size !== kids.length) this.violations.push('a kid stands twice in the ring')
    for (const state of ['current', 'next'] as const) {
      const count = this.ring.keys.filter((key) => key.state === state).length
      if (count !== 1) this.violations.push(`the ring has ${count} keys that are ${state}`)
    }
    for (const key of this.ring.keys) {
      if (key.state === 'withdrawn') this.#withdrawn.add(key.kid)
      else if (this.#withdrawn.has(key.kid)) this.violations.push(`${key.kid} came back`)
    }
    this.withdrawals += events.filter((event) => event.type === 'key.withdrawn').length
  }

  #raise(node: Node, marks: { readonly longestTokenLife: number }): void {
    const missing = missingMarks(this.ring, marks)
    if (missing) this.#swap(raise(this.ring, missing))
    this.#read(node)
  }

  #tellEverybody(): void {
    this.#caches = []
    for (const node of this.#nodes) this.#read(node)
  }

  #listening(index: number): Node {
    const node = this.#node(index)
    if (this.now - node.readAt > heardWithin) this.#read(node)
    return node
  }

  #read(node: Node): void {
    node.view = this.ring
    node.readAt = this.now
  }

  #node(index: number): Node {
    const node = this.#nodes[index]
    if (!node) throw new RangeError(`There is no node ${index}.`)
    return node
  }

  #freshKey(): FreshKey {
    const kid = `key-${this.#freshId()}`
    return { kid, bits: 2048, publicJwk: { ...publicJwk('AQAB', 'AQAB'), kid } }
  }

  #freshId(): number {
    return ++this.#made
  }
}

function find(ring: RingRecord, state: KeyState): KeyRecord | undefined {
  return ring.keys.find((key) => key.state === state)
}
