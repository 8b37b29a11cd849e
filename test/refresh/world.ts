import assert from 'node:assert/strict'
import { scopes } from '../support/in-process-issuer.ts'
import type { SharedInstallation } from '../support/shared-installation.ts'
import { readToken, refreshTokenOf } from '../support/token-client.ts'
import { Hands } from './hands.ts'
import type { Nodes } from './nodes.ts'
import { explain, isLive, type Line, type Observation, type Observed, type Operation } from './rules.ts'

/** The lives that an installation gives its sessions, in milliseconds. */
export interface Lives {
  readonly retryWindow: number
  readonly idleTtl: number
  readonly ttl: number
}

/** How often what was tried, and what came of it. */
export type Tally = Map<string, number>

/** What is known of one session from outside. */
interface Known {
  readonly handle: string
  /** The token of each generation that was ever received. */
  readonly tokens: Map<number, string>
  /** The generation that the honest client has. */
  held: number
  /** When, and with which key, the token that the honest client has was presented, by whomever. */
  attempts: { readonly at: number; readonly key: string | null }[]
}

/** The nodes, what is known of their sessions, and what ought to be true of them. */
export class World {
  lines: readonly Line[] = []
  readonly #known: Known[] = []
  readonly #installation: SharedInstallation
  readonly #nodes: Nodes
  readonly #lives: Lives
  readonly #hands: Hands
  readonly #tally: Tally

  constructor(installation: SharedInstallation, nodes: Nodes, lives: Lives, tally: Tally) {
    this.#installation = installation
    this.#nodes = nodes
    this.#lives = lives
    this.#tally = tally
    this.#hands = new Hands(installation, nodes)
  }

  /** The generation `back` steps behind the honest client's latest one, if its token is known; else the latest. */
  generationOf(line: number, back: number): number {
    const known = this.#known[line]
    const held = known?.held ?? 0
    return known?.tokens.has(held - back) ? held - back : held
  }

  /** See {@link Hands.settle}. */
  settle(): Promise<void> {
    return this.#hands.settle()
  }

  close(): void {
    this.#hands.close()
  }

  /** A live session, so many back from the newest; a new one when none lives. -1 is the newest of all. */
  async choose(back: number, owner: string): Promise<number> {
    if (back < 0) return this.lines.length - 1
    const now = this.#nodes.now()
    const live = [...this.lines.keys()].filter((index) => {
      const line = this.lines[index]
      return line && isLive(line, now)
    })
    if (live.length === 0) await this.login(owner, 0, false)
    return live[Math.max(0, live.length - 1 - back)] ?? this.lines.length - 1
  }

  async login(owner: string, node: number, narrow: boolean): Promise<void> {
    const granted = narrow ? scopes.slice(0, 1) : scopes
    const url = `${this.#nodes.url(node)}/oauth2/token`
    const form = { grant_type: 'password', username: 'ada', password: 'correct horse battery staple' }
    const answer = await this.#hands.client(owner).post(url, { ...form, scope: granted.join(' ') })
    const token = refreshTokenOf(answer)
    const now = this.#nodes.now()
    this.#known.push({
      handle: readToken(token).handle,
      tokens: new Map([[0, token]]),
      held: 0,
      attempts: [],
    })
    const { idleTtl, ttl, retryWindow } = this.#lives
    const line: Line = {
      owner,
      retryWindow: owner === this.#installation.strict.id ? 0 : retryWindow,
      idleTtl,
      scopes: granted,
      generation: 0,
      rotatedAt: now,
      retryKey: null,
      idleExpiresAt: now + idleTtl,
      expiresAt: now + ttl,
      ended: false,
    }
    this.lines = [...this.lines, line]
    this.#count('login')
  }

  /**
   * Does the operations at the same time, asks whether any order of them explains what was seen, and whether the
   * invariants hold afterwards. `unread` are those whose answer the client does not get to see.
   */
  async step(operations: readonly Operation[], unread: ReadonlySet<Operation> = new Set()): Promise<void> {
    const moment = {
      now: this.#nodes.now(),
      servingSince: [0, 1].map((node) => this.#nodes.servingSince(node)),
    }
    const observed = await Promise.all(
      operations.map(
        async (operation): Promise<Observed> => ({
          operation,
          observation: await this.#perform(operation),
        }),
      ),
    )
    await this.#hands.repair(operations)
    for (const one of observed) this.#count(`${one.operation.kind}: ${toWords(one.observation)}`)
    const story = JSON.stringify({ before: this.lines, observed, moment })
    if (observed.length === 1) this.#checkHonestClient(observed, moment.now, story)
    const possible = explain(this.lines, observed, moment)
    assert.ok(possible.length > 0, `No order of these explains what was seen: ${story}`)
    this.#learn(observed, unread, moment.now)
    const actual = await this.#readLines()
    const explained = possible.find((lines) => JSON.stringify(lines.map(toRow)) === JSON.stringify(actual))
    assert.ok(explained, `The database holds ${JSON.stringify(actual)} after ${story}`)
    this.lines = explained
    await this.#checkUsable(story)
  }

  /**
   * The promise itself, judged without the rules: whoever presents the latest token that he got, always with the
   * same key, or within the window of the first try, gets a successor.
   */
  #checkHonestClient([one]: readonly Observed[], now: number, story: string): void {
    if (one?.operation.kind !== 'present') return
    const { line: index, generation, key, scope, client } = one.operation
    const line = this.lines[index]
    const known = this.#known[index]
    if (!line || !known || client !== line.owner || !isLive(line, now)) return
    if (generation !== known.held || scope !== null || one.observation.kind === 'lost') return
    // Somebody else has gone on with the successor that this client never saw: that is theft, and ends the session.
    if (line.generation > generation + 1) return
    const sameKey = known.attempts.every((attempt) => attempt.key === key)
    const early = known.attempts.every(({ at }) => now >= at && now - at < line.retryWindow)
    if (sameKey && (key !== null || early)) {
      assert.equal(one.observation.kind, 'refreshed', `An honest client lost its session: ${story}`)
      this.#count('honest client kept its session')
    }
  }

  /** Takes note of the tokens that were received: one string for each generation, whoever asks. */
  #learn(observed: readonly Observed[], unread: ReadonlySet<Operation>, now: number): void {
    for (const { operation, observation } of observed) {
      if (operation.kind !== 'present') continue
      const known = this.#known[operation.line]
      if (!known) continue
      if (observation.kind !== 'refreshed') continue
      assert.equal(readToken(observation.token).handle, known.handle)
      const before = known.tokens.get(observation.generation) ?? observation.token
      assert.equal(observation.token, before, `Generation ${observation.generation} has two tokens`)
      known.tokens.set(observation.generation, observation.token)
    }
    for (const { operation, observation } of observed) {
      if (operation.kind !== 'present' || observation.kind !== 'refreshed' || unread.has(operation)) continue
      const known = this.#known[operation.line]
      if (!known || observation.generation <= known.held) continue
      known.held = observation.generation
      known.attempts = []
    }
    // Last, since what was presented at the same time may have been the token that the client has from now on.
    for (const { operation } of observed) {
      if (operation.kind !== 'present') continue
      const known = this.#known[operation.line]
      const isOwner = this.lines[operation.line]?.owner === operation.client
      if (known && isOwner && operation.generation === known.held) {
        known.attempts.push({ at: now, key: operation.key })
      }
    }
  }

  async #readLines(): Promise<readonly Row[]> {
    const rows: Row[] = []
    for (const { handle } of this.#known) {
      const session = await this.#installation.store.sessions.findByHandle(handle)
      assert.ok(session, 'A session is gone')
      rows.push({
        generation: session.generation,
        ended: session.endedAt !== null,
        hasKey: session.retryKey !== null,
      })
    }
    return rows
  }

  /** At most one token of a live session is usable, the latest; none of an ended or expired one. */
  async #checkUsable(story: string): Promise<void> {
    const now = this.#nodes.now()
    await Promise.all(
      this.#known.map(async ({ tokens }, index) => {
        const line = this.lines[index]
        if (!line) return
        const url = `${this.#nodes.url(index % 2)}/oauth2/introspect`
        const latest = [...tokens].filter(([generation]) => generation > line.generation - 3)
        const active: number[] = []
        for (const [generation, token] of latest) {
          const answer = await this.#hands.client(line.owner).post(url, { token })
          if (answer.body['active'] === true) active.push(generation)
        }
        const usable = isLive(line, now) && tokens.has(line.generation) ? [line.generation] : []
        assert.deepEqual(active, usable, `The usable generations of session ${index} after ${story}`)
      }),
    )
  }

  #perform(operation: Operation): Promise<Observation> {
    if (operation.kind !== 'present' && operation.kind !== 'revoke') {
      return this.#hands.perform(operation, '', '')
    }
    const { line, generation } = operation
    return this.#hands.perform(operation, this.#token(line, generation), this.lines[line]?.owner ?? '')
  }

  #token(line: number, generation: number): string {
    const token = this.#known[line]?.tokens.get(generation)
    assert.ok(token, `No token of generation ${generation} is known`)
    return token
  }

  #count(what: string): void {
    this.#tally.set(what, (this.#tally.get(what) ?? 0) + 1)
  }
}

interface Row {
  readonly generation: number
  readonly ended: boolean
  readonly hasKey: boolean
}

function toRow({ generation, ended, retryKey }: Line): Row {
  return { generation, ended, hasKey: retryKey !== null }
}

function toWords(observation: Observation): string {
  return observation.kind === 'refused' ? observation.error : observation.kind
}
