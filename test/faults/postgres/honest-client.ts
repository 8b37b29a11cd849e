import { setTimeout as delay } from 'node:timers/promises'
import type { Confidential } from '../../support/shared-installation.ts'
import {
  type Answer,
  LostAnswerError,
  readToken,
  refreshTokenOf,
  TokenClient,
} from '../../support/token-client.ts'

/** What came of the work of all clients. */
export class Bookkeeping {
  /** Refreshes that were answered with a token pair. */
  refreshed = 0
  /** Refreshes by how many tries failed before: 503, 502, or no whole answer. */
  readonly triesBefore = new Map<number, number>()
  /** Tries that failed, by what came. */
  readonly failures = new Map<string, number>()
  /** Sessions that were refused with `invalid_grant`, and what was said. */
  readonly refused: { readonly handle: string; readonly token: string; readonly says: string }[] = []
  /** Tokens that got two successors, or a successor that is not the next generation. */
  forked = 0
  /** When each try that succeeded began and ended, by the monotonic clock. */
  readonly successes: { readonly begunAt: number; readonly at: number }[] = []

  /** Refreshes of which the first try and at least one more failed. */
  get failedMoreThanOnce(): number {
    return [...this.triesBefore].reduce((sum, [tries, count]) => (tries > 1 ? sum + count : sum), 0)
  }

  /** From `since` to the first success of a try that began after `lost`, in milliseconds. */
  recovery(lost: number, since: number): number | undefined {
    const first = this.successes.find(({ begunAt, at }) => begunAt > lost && at > since)
    return first && first.at - since
  }
}

/** How long a client waits before it tries again, in milliseconds, half as much more or less. */
const backoff = 100

/** A client that does what RFC 6749 asks: it keeps its latest token and tries again when no answer came. */
export class HonestClient {
  readonly #client: TokenClient
  readonly #username: string
  readonly #sendsKey: boolean
  readonly #books: Bookkeeping
  readonly #recent: string[] = []
  #token = ''

  constructor(client: Confidential, username: string, sendsKey: boolean, books: Bookkeeping) {
    this.#client = new TokenClient(client, 2)
    this.#username = username
    this.#sendsKey = sendsKey
    this.#books = books
  }

  get token(): string {
    return this.#token
  }

  /** Its latest tokens, the present one last. */
  get recent(): readonly string[] {
    return this.#recent
  }

  async login(url: string): Promise<void> {
    for (;;) {
      const answer = await this.#client.login(url, this.#username).catch(toLost)
      if (answer?.status === 200) return this.#begin(refreshTokenOf(answer))
      await delay(backoff)
    }
  }

  /** Refreshes at the proxy, with `pause` (milliseconds, on average) in between, until the signal says that it is enough. */
  async work(url: string, pause: number, signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      // Now and then two tabs refresh at once.
      if (!this.#sendsKey && turn % 10 === 9) await this.#presentTwice(url, signal)
      else await this.refresh(url, signal)
      await delay(pause * 2 * Math.random())
    }
  }

  /** Until there is an answer. */
  async refresh(url: string, signal?: AbortSignal): Promise<void> {
    const presented = this.#token
    const key = this.#sendsKey ? `key-of-${presented.slice(-20)}` : undefined
    for (let tries = 0; ; tries++) {
      const begunAt = performance.now()
      const answer = await this.#client.refresh(url, presented, { key }).catch(toLost)
      if (answer?.status === 200 || answer?.body['error'] === 'invalid_grant') {
        count(this.#books.triesBefore, tries)
        return answer.status === 200
          ? this.#keep(presented, answer, begunAt)
          : this.#lose(url, presented, answer)
      }
      count(this.#books.failures, toReason(answer))
      if (signal?.aborted) return
      await delay(backoff * (0.5 + Math.random()))
    }
  }

  close(): void {
    this.#client.close()
  }

  /** Asks twice at once. Where neither was answered, the next turn asks again. */
  async #presentTwice(url: string, signal: AbortSignal): Promise<void> {
    const presented = this.#token
    const begunAt = performance.now()
    const answers = await Promise.all([0, 1].map(() => this.#client.refresh(url, presented).catch(toLost)))
    const successes = answers.filter((answer) => answer?.status === 200)
    const refused = answers.find((answer) => answer?.body['error'] === 'invalid_grant')
    for (const answer of answers) {
      if (answer?.status === 200 || answer === refused) continue
      count(this.#books.failures, toReason(answer))
    }
    if (new Set(successes.map((answer) => answer && refreshTokenOf(answer))).size > 1) this.#books.forked++
    if (refused) return this.#lose(url, presented, refused)
    const [success] = successes
    if (success) this.#keep(presented, success, begunAt)
    else await this.refresh(url, signal)
  }

  #keep(presented: string, answer: Answer, begunAt: number): void {
    const successor = refreshTokenOf(answer)
    const [before, after] = [readToken(presented), readToken(successor)]
    if (after.handle !== before.handle || after.generation !== before.generation + 1) this.#books.forked++
    this.#token = successor
    this.#recent.push(successor)
    if (this.#recent.length > 5) this.#recent.shift()
    this.#books.refreshed++
    this.#books.successes.push({ begunAt, at: performance.now() })
  }

  async #lose(url: string, presented: string, { body }: Answer): Promise<void> {
    const says = String(body['error_description'])
    this.#books.refused.push({ handle: readToken(presented).handle, token: presented, says })
    await this.login(url)
  }

  #begin(token: string): void {
    this.#token = token
    this.#recent.splice(0, Number.POSITIVE_INFINITY, token)
  }
}

function count<T>(counts: Map<T, number>, what: T): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

/** What came instead of an answer that counts: the status and what was said, or nothing. */
function toReason(answer: Answer | undefined): string {
  if (!answer) return 'no answer'
  const says = answer.body['error_description']
  return says === undefined ? String(answer.status) : `${answer.status} ${says}`
}

function toLost(error: unknown): undefined {
  if (!(error instanceof LostAnswerError)) throw error
  return undefined
}
