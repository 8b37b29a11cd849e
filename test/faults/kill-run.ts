import { setTimeout as delay } from 'node:timers/promises'
import type { ChildIssuer } from '../support/child-issuer.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { LostAnswerError, readToken, refreshTokenOf, TokenClient } from '../support/token-client.ts'

export interface KillOptions {
  readonly kills: number
  /** How many clients refresh at once; every second one sends an `Idempotency-Key`. */
  readonly clients: number
  /** Settings of the issuer. */
  readonly environment?: Readonly<Record<string, string>>
  /** Called after each kill. */
  readonly onKill?: (result: KillResult) => void
}

export interface KillResult {
  kills: number
  /** Refreshes that were answered with a token pair. */
  refreshed: number
  /** Requests that a kill left without an answer. */
  unanswered: number
  /** Those of them whose rotation had been committed: the next try must get the same successor. */
  committedUnanswered: number
  /** Clients that were told `invalid_grant`. */
  lost: number
  /** Tokens that got two successors, sessions with two usable tokens, and sessions off their client's line. */
  forked: number
  /** Any other answer than a token pair. */
  readonly otherAnswers: Map<number, number>
}

/** A client that does what RFC 6749 asks: it keeps its latest token and tries again when no answer came. */
class HonestClient {
  token = ''
  /** Whether an answer to the present token is missing. */
  unanswered = false
  readonly recent: string[] = []
  readonly #successors = new Map<string, string>()
  readonly #client: TokenClient
  readonly #username: string
  readonly #sendsKey: boolean

  constructor(installation: SharedInstallation, sendsKey: boolean) {
    this.#client = new TokenClient(installation.service)
    this.#username = installation.username
    this.#sendsKey = sendsKey
  }

  async login(url: string): Promise<void> {
    this.token = refreshTokenOf(await this.#client.login(url, this.#username))
    this.recent.splice(0, Number.POSITIVE_INFINITY, this.token)
    this.#successors.clear()
    this.unanswered = false
  }

  /** Refreshes until the issuer is gone. */
  async work(url: string, result: KillResult): Promise<void> {
    for (;;) {
      const presented = this.token
      const key = this.#sendsKey ? `key-of-${presented.slice(-20)}` : undefined
      try {
        const answer = await this.#client.refresh(url, presented, { key })
        if (answer.status === 200) {
          this.#keep(presented, refreshTokenOf(answer), result)
          continue
        }
        if (answer.body['error'] === 'invalid_grant') {
          result.lost++
          await this.login(url)
          continue
        }
        result.otherAnswers.set(answer.status, (result.otherAnswers.get(answer.status) ?? 0) + 1)
        await delay(5)
      } catch (error) {
        if (!(error instanceof LostAnswerError)) throw error
        this.unanswered = true
        result.unanswered++
        return
      }
    }
  }

  /** Presents the latest token and the one before it at once, as two tabs do after a crash. */
  async presentTwice(url: string, result: KillResult): Promise<void> {
    if (this.#sendsKey) return
    const presented = this.token
    const answers = await Promise.all([0, 1].map(() => this.#client.refresh(url, presented)))
    for (const answer of answers) {
      if (answer.body['error'] === 'invalid_grant') result.lost++
      else if (answer.status === 200) this.#keep(presented, refreshTokenOf(answer), result)
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

  #keep(presented: string, successor: string, result: KillResult): void {
    const known = this.#successors.get(presented)
    if (known !== undefined && known !== successor) result.forked++
    this.#successors.set(presented, successor)
    this.token = successor
    this.unanswered = false
    result.refreshed++
    if (this.recent.at(-1) !== successor) this.recent.push(successor)
    if (this.recent.length > 5) this.recent.shift()
  }
}

/**
 * Kills an issuer at random moments while honest clients refresh, restarts it on its port, and counts the clients
 * that lost their session and the sessions that forked.
 */
export async function killWhileRefreshing(options: KillOptions): Promise<KillResult> {
  const result: KillResult = {
    kills: 0,
    refreshed: 0,
    unanswered: 0,
    committedUnanswered: 0,
    lost: 0,
    forked: 0,
    otherAnswers: new Map(),
  }
  const { environment = {} } = options
  const installation = await createInstallation({ environment })
  const clients = Array.from(
    { length: options.clients },
    (_, index) => new HonestClient(installation, index % 2 === 1),
  )
  let node = await installation.startChild()
  try {
    const { url } = node
    const port = Number(new URL(url).port)
    for (const client of clients) await client.login(url)
    while (result.kills < options.kills) {
      await workUntilKilled(node, clients, result)
      await inspect(installation, clients, result)
      options.onKill?.(result)
      node = await installation.startChild(port)
      for (const client of clients) if (!client.unanswered) await client.presentTwice(url, result)
      for (const client of clients) if ((await client.countActive(url)) > 1) result.forked++
    }
    return result
  } finally {
    for (const client of clients) client.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}

async function workUntilKilled(
  node: ChildIssuer,
  clients: readonly HonestClient[],
  result: KillResult,
): Promise<void> {
  const working = clients.map((client) => client.work(node.url, result))
  await delay(Math.random() * 120)
  await node.end('SIGKILL')
  result.kills++
  await Promise.all(working)
}

/** Reads, while no issuer runs, what the database holds of each client's session. */
async function inspect(
  installation: SharedInstallation,
  clients: readonly HonestClient[],
  result: KillResult,
): Promise<void> {
  for (const client of clients) {
    const { handle, generation } = readToken(client.token)
    const session = await installation.store.sessions.findByHandle(handle)
    if (session?.endedAt !== null) {
      result.lost++
      continue
    }
    const ahead = session.generation - generation
    if (ahead === 1 && client.unanswered) result.committedUnanswered++
    else if (ahead !== 0) result.forked++
  }
}
