import { setTimeout as delay } from 'node:timers/promises'
import type { SharedInstallation } from '../support/shared-installation.ts'
import {
  type Answer,
  LostAnswerError,
  readToken,
  refreshTokenOf,
  TokenClient,
} from '../support/token-client.ts'

/** What honest clients were answered. */
export interface Tally {
  /** Refreshes that were answered with a token pair. */
  refreshed: number
  /** Requests that were left without an answer. */
  unanswered: number
  /** Clients that were told `invalid_grant`. */
  lost: number
  /** Tokens that got two successors, sessions with two usable tokens, and sessions off their client's line. */
  forked: number
  /** Any other answer than a token pair. */
  readonly otherAnswers: Map<number, number>
}

export function emptyTally(): Tally {
  return { refreshed: 0, unanswered: 0, lost: 0, forked: 0, otherAnswers: new Map() }
}

/** A client that does what RFC 6749 asks: it keeps its latest token and tries again when no answer came. */
export class HonestClient {
  token = ''
  /** Whether an answer to the present token is missing. */
  unanswered = false
  /** Of the last answer that was lost: whether the issuer had taken its connection. */
  wasAccepted = false
  readonly recent: string[] = []
  readonly #successors = new Map<string, string>()
  readonly #client: TokenClient
  readonly #username: string
  readonly #sendsKey: boolean

  /** `sendsKey`: with an `Idempotency-Key` each time. */
  constructor({ service, username }: Pick<SharedInstallation, 'service' | 'username'>, sendsKey: boolean) {
    this.#client = new TokenClient(service)
    this.#username = username
    this.#sendsKey = sendsKey
  }

  async login(url: string): Promise<void> {
    this.token = refreshTokenOf(await this.#client.login(url, this.#username))
    this.recent.splice(0, Number.POSITIVE_INFINITY, this.token)
    this.#successors.clear()
    this.unanswered = false
  }

  /** Refreshes once, and logs in again when it was told to. Undefined when the answer was lost. */
  async refresh(url: string, tally: Tally): Promise<Answer | undefined> {
    const presented = this.token
    const key = this.#sendsKey ? `key-of-${presented.slice(-20)}` : undefined
    try {
      const answer = await this.#client.refresh(url, presented, { key })
      if (answer.status === 200) {
        this.#keep(presented, refreshTokenOf(answer), tally)
      } else if (answer.body['error'] === 'invalid_grant') {
        tally.lost++
        await this.login(url)
      } else {
        tally.otherAnswers.set(answer.status, (tally.otherAnswers.get(answer.status) ?? 0) + 1)
      }
      return answer
    } catch (error) {
      if (!(error instanceof LostAnswerError)) throw error
      this.unanswered = true
      this.wasAccepted = error.wasAccepted
      tally.unanswered++
      return undefined
    }
  }

  /** Refreshes until the issuer is gone. */
  async work(url: string, tally: Tally): Promise<void> {
    for (;;) {
      const answer = await this.refresh(url, tally)
      if (answer === undefined) return
      if (answer.status !== 200) await delay(5)
    }
  }

  /** Presents the latest token twice at once, as two tabs do after a crash. */
  async presentTwice(url: string, tally: Tally): Promise<void> {
    if (this.#sendsKey) return
    const presented = this.token
    const answers = await Promise.all([0, 1].map(() => this.#client.refresh(url, presented)))
    for (const answer of answers) {
      if (answer.body['error'] === 'invalid_grant') tally.lost++
      else if (answer.status === 200) this.#keep(presented, refreshTokenOf(answer), tally)
    }
  }

  /** How many of its latest tokens the issuer calls active. */
  async countActive(url: string): Promise<number> {
    const answers = await Promise.all(
      this.recent.map((token) => this.#client.post(`${url}/oauth2/introspect`, { token })),
    )
    return answers.filter(({ body }) => body['active'] === true).length
  }

  close(): void {
    this.#client.close()
  }

  #keep(presented: string, successor: string, tally: Tally): void {
    const known = this.#successors.get(presented)
    if (known !== undefined && known !== successor) tally.forked++
    this.#successors.set(presented, successor)
    this.token = successor
    this.unanswered = false
    tally.refreshed++
    if (this.recent.at(-1) !== successor) this.recent.push(successor)
    if (this.recent.length > 5) this.recent.shift()
  }
}

/** How far the database is ahead of the client's latest token, in generations; undefined when the session has ended. */
export async function readLead(
  { store }: Pick<SharedInstallation, 'store'>,
  client: HonestClient,
): Promise<number | undefined> {
  const { handle, generation } = readToken(client.token)
  const session = await store.sessions.findByHandle(handle)
  return session?.endedAt === null ? session.generation - generation : undefined
}
