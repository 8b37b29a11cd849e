import { type Answer, Connection, renderHead } from '../load/connection.ts'
import { percentile } from '../statistics.ts'
import type { OverloadPhase, Times } from './phase.ts'

/**
 * The crowd comes through so many kept connections, as through proxies; what finds none free is not sent. They are
 * opened before: a storm of new ones would be a test of the system's accept queue.
 */
const mostConnections = 1_500
/** How many are opened at a time. */
const openedAtOnce = 50

/** When a client hangs up, in milliseconds. */
const patience = 10_000

/** What became of a request. */
export type Outcome = number | 'gave up' | 'not sent'

/** Sends requests for tokens, each on a connection that is free, and takes down what comes back. */
export class Sender {
  readonly #phase: OverloadPhase
  readonly #head: string
  readonly #idle: Connection[] = []
  readonly #tokens: string[]
  readonly #served: number[] = []
  readonly #refused: number[] = []
  readonly #answers = new Map<string, number>()
  #open = 0
  /** What is answered later does not count. */
  isOver = false

  constructor(phase: OverloadPhase) {
    this.#phase = phase
    this.#head = renderHead(phase.port, phase.authorization)
    this.#tokens = [...phase.refreshTokens]
  }

  /** Opens as many connections as can be needed. */
  async open(): Promise<void> {
    const { load, port } = this.#phase
    const wanted = 'clients' in load ? load.clients : mostConnections
    while (this.#idle.length < wanted) {
      const count = Math.min(openedAtOnce, wanted - this.#idle.length)
      this.#idle.push(...(await Promise.all(Array.from({ length: count }, () => Connection.open(port)))))
    }
    this.#open = wanted
  }

  /** @param due by `performance.now()`: a request that is late counts from when it should have been sent. */
  async send(due: number): Promise<void> {
    const { grant, password } = this.#phase
    if (grant === 'password') {
      return this.#exchange(`grant_type=password&username=ada&password=${encodeURIComponent(password)}`, due)
    }
    if (grant === 'client_credentials') return this.#exchange('grant_type=client_credentials', due)
    const token = this.#tokens.shift()
    if (token === undefined) return this.#count('not sent', due)
    await this.#exchange(`grant_type=refresh_token&refresh_token=${token}`, due, (answer) => {
      // Unanswered or refused, the client still holds the token that it has.
      this.#tokens.push(answer?.status === 200 ? readSuccessor(answer, token) : token)
    })
  }

  summarise(milliseconds: number) {
    return {
      milliseconds,
      served: summarise(this.#served),
      refused: summarise(this.#refused),
      answers: Object.fromEntries(this.#answers),
      refreshTokens: this.#tokens,
    }
  }

  close(): void {
    for (const connection of this.#idle) connection.close()
  }

  async #exchange(form: string, due: number, take?: (answer: Answer | undefined) => void): Promise<void> {
    const connection = await this.#connect()
    if (!connection) {
      take?.(undefined)
      this.#count('not sent', due)
      return
    }
    const hangUp = setTimeout(() => connection.close(), patience)
    try {
      const answer = await connection.post(this.#head, form)
      take?.(answer)
      this.#idle.push(connection)
      this.#count(answer.status, due)
    } catch {
      this.#open--
      take?.(undefined)
      this.#count('gave up', due)
    } finally {
      clearTimeout(hangUp)
    }
  }

  async #connect(): Promise<Connection | undefined> {
    const idle = this.#idle.pop()
    if (idle) return idle
    if (this.#open >= mostConnections) return undefined
    this.#open++
    try {
      return await Connection.open(this.#phase.port)
    } catch {
      this.#open--
      return undefined
    }
  }

  #count(outcome: Outcome, due: number): void {
    if (this.isOver) return
    const name = String(outcome)
    this.#answers.set(name, (this.#answers.get(name) ?? 0) + 1)
    if (outcome === 200) this.#served.push(performance.now() - due)
    if (outcome === 503 || outcome === 429) this.#refused.push(performance.now() - due)
  }
}

function readSuccessor({ body }: Answer, presented: string): string {
  const { refresh_token: successor } = JSON.parse(body)
  if (typeof successor !== 'string' || successor === presented) throw new Error('No successor came.')
  return successor
}

export function summarise(times: readonly number[]): Times {
  if (times.length === 0) return { count: 0, p50: 0, p99: 0 }
  return { count: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}
