import { setTimeout as delay } from 'node:timers/promises'
import { createVerifier } from '@mintage/verifier'
import { second } from '../../src/lib/durations.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { eventually } from '../support/eventually.ts'
import { audience } from '../support/in-process-issuer.ts'
import type { SharedInstallation } from '../support/shared-installation.ts'
import { type Answer, refreshTokenOf, TokenClient } from '../support/token-client.ts'
import { emptyTally, HonestClient, readLead, type Tally } from './honest-client.ts'

const Database = loadSqliteDriver()

export interface OutageOptions {
  readonly installation: SharedInstallation
  /** How long it lasts after the first refusal, or as a whole when nothing is refused. In seconds. */
  readonly seconds: number
  /** Whether what writes must be refused meanwhile; else everything must go on. */
  readonly refuses: boolean
  begin(): Promise<void> | void
  end(): Promise<void> | void
  /** What should be as before again, and is not; asked while the process still runs. */
  afterwards?(): Promise<readonly string[]>
}

export interface OutageResult {
  readonly tally: Tally
  /** Logins, refreshes and revocations during the outage, by status. */
  readonly during: ReadonlyMap<number, number>
  /** Answers with 503 that name no time to come back. */
  readonly withoutRetryAfter: number
  /** Key sets fetched and tokens verified during the outage, and how many of them went wrong. */
  readonly goneOn: number
  readonly wentWrong: number
  /** From the end of the fault until each kind of request was answered again, in milliseconds. */
  readonly recovery: number
  /** What the database should not hold, in words. */
  readonly findings: readonly string[]
  /** Whether the process was still there. */
  readonly alive: boolean
}

/** Honest clients refresh, log in and revoke, and a service verifies, while something happens to the disk. */
export async function runOutage(options: OutageOptions): Promise<OutageResult> {
  const { installation } = options
  const node = await installation.startChild()
  const world = new OutageWorld(installation, node.url)
  try {
    await world.begin()
    await options.begin()
    world.isBroken = true
    if (options.refuses)
      await eventually(
        async () => world.during.get(503) ?? 0,
        (count) => count > 0,
      )
    await delay(options.seconds * second)
    world.isBroken = false
    await options.end()
    const recovery = await world.recover()
    const findings = [...(await world.end()), ...((await options.afterwards?.()) ?? [])]
    return {
      tally: world.tally,
      during: world.during,
      withoutRetryAfter: world.withoutRetryAfter,
      goneOn: world.goneOn,
      wentWrong: world.wentWrong,
      recovery,
      findings,
      alive: node.process.exitCode === null && node.process.signalCode === null,
    }
  } finally {
    world.close()
    await node.end('SIGKILL')
  }
}

class OutageWorld {
  readonly tally = emptyTally()
  readonly during = new Map<number, number>()
  isBroken = false
  withoutRetryAfter = 0
  goneOn = 0
  wentWrong = 0
  readonly #installation: SharedInstallation
  readonly #url: string
  readonly #clients: readonly HonestClient[]
  readonly #other: TokenClient
  readonly #verifier: ReturnType<typeof createVerifier>
  readonly #stop = new AbortController()
  #working: readonly Promise<void>[] = []
  #logins = 0
  #revocations = 0

  constructor(installation: SharedInstallation, url: string) {
    this.#installation = installation
    this.#url = url
    this.#clients = Array.from({ length: 6 }, (_, i) => new HonestClient(installation, i % 2 === 1))
    this.#other = new TokenClient(installation.service)
    // The tokens of a shared installation name an issuer that is nowhere, so its requests are led to the node.
    const issuer = 'http://127.0.0.1'
    this.#verifier = createVerifier({
      issuer,
      audience,
      fetch: (asked, init) => fetch(asked.replace(issuer, url), init),
    })
  }

  async begin(): Promise<void> {
    for (const client of this.#clients) {
      await client.login(this.#url)
      this.#logins++
    }
    const tokens = [await this.#login(), await this.#login()]
    const [good = '', revoked = ''] = tokens.map(({ body }) => String(body['access_token']))
    await this.#other.post(`${this.#url}/oauth2/revoke`, { token: refreshTokenOf(tokens[1] ?? none) })
    this.#revocations++
    await this.#verifier.ready()
    await eventually(
      () => this.#verdict(revoked),
      (verdict) => verdict === 401,
    )
    this.#working = [
      ...this.#clients.map((client) => this.#loop(5, () => this.#refresh(client))),
      this.#loop(20, () => this.#loginAndRevoke()),
      this.#loop(20, () => this.#verify(good, revoked)),
    ]
  }

  /** Milliseconds until a login, a refresh and a revocation are carried out. */
  async recover(): Promise<number> {
    const since = performance.now()
    const [client] = this.#clients
    const login = await eventually(
      () => this.#login(),
      ({ status }) => status === 200,
    )
    const revoke = async () => this.#revoke(refreshTokenOf(login))
    const { status } = await eventually(revoke, (answer) => answer.status === 200)
    const before = this.tally.refreshed
    const refreshed = await eventually(
      async () => this.tally.refreshed,
      (count) => count > before,
    )
    if (status !== 200 || refreshed === before || !client) return Number.POSITIVE_INFINITY
    return performance.now() - since
  }

  /** Ends the work, and says what is wrong in the database. */
  async end(): Promise<readonly string[]> {
    this.#stop.abort()
    await Promise.all(this.#working)
    const findings: string[] = []
    for (const client of this.#clients) {
      const lead = await readLead(this.#installation, client)
      if (lead !== 0) findings.push(`a client whose session is ${lead ?? 'gone'} generations ahead`)
    }
    const verdict = await this.#installation.administration.auditSeal.verify()
    findings.push(...verdict.findings.map(({ message }) => message))
    const database = new Database(this.#installation.databaseFile, { timeout: 5_000 })
    try {
      const count = (sql: string) => Number(database.prepare(sql).pluck().get())
      const integrity = database.pragma('integrity_check', { simple: true })
      if (integrity !== 'ok') findings.push(`integrity_check: ${integrity}`)
      const expected: readonly (readonly [string, number, string])[] = [
        ['sessions', this.#logins, 'SELECT count(*) FROM sessions'],
        ['rows of their start', this.#logins, "SELECT count(*) FROM audit WHERE type = 'session.started'"],
        ['ended sessions', this.#revocations, 'SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL'],
        ['rows of their end', this.#revocations, "SELECT count(*) FROM audit WHERE type = 'session.revoked'"],
      ]
      for (const [what, wished, sql] of expected) {
        if (count(sql) !== wished) findings.push(`${count(sql)} ${what} for ${wished} that were answered`)
      }
    } finally {
      database.close()
    }
    return findings
  }

  close(): void {
    this.#stop.abort()
    this.#verifier.close()
    this.#other.close()
    for (const client of this.#clients) client.close()
  }

  async #refresh(client: HonestClient): Promise<void> {
    const isDuring = this.isBroken
    this.#note(await client.refresh(this.#url, this.tally), isDuring)
  }

  async #loginAndRevoke(): Promise<void> {
    const login = await this.#login()
    if (login.status === 200) await this.#revoke(refreshTokenOf(login))
  }

  async #login(): Promise<Answer> {
    const isDuring = this.isBroken
    const answer = await this.#other.login(this.#url, this.#installation.username)
    if (answer.status === 200) this.#logins++
    this.#note(answer, isDuring)
    return answer
  }

  async #revoke(token: string): Promise<Answer> {
    const isDuring = this.isBroken
    const answer = await this.#other.post(`${this.#url}/oauth2/revoke`, { token })
    if (answer.status === 200) this.#revocations++
    this.#note(answer, isDuring)
    return answer
  }

  async #verify(good: string, revoked: string): Promise<void> {
    const isDuring = this.isBroken
    const keys = await fetch(`${this.#url}/.well-known/jwks.json`)
    await keys.arrayBuffer()
    const isRight =
      keys.status === 200 && (await this.#verdict(good)) === 200 && (await this.#verdict(revoked)) === 401
    if (isDuring) this.goneOn++
    if (!isRight) this.wentWrong++
  }

  async #verdict(token: string): Promise<number> {
    try {
      await this.#verifier.verify(token)
      return 200
    } catch (error) {
      return error instanceof Error && 'status' in error ? Number(error.status) : 0
    }
  }

  #note(answer: Answer | undefined, isDuring: boolean): void {
    const { status, retryAfter } = answer ?? none
    if (status === 503 && !/^[1-9]\d*$/.test(retryAfter ?? '')) this.withoutRetryAfter++
    if (isDuring) this.during.set(status, (this.during.get(status) ?? 0) + 1)
  }

  async #loop(pause: number, act: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await act()
      await delay(pause)
    }
  }
}

/** No answer. */
const none: Answer = { status: 0, body: {} }
