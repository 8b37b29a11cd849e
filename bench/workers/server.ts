import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { password } from '../../test/support/in-process-issuer.ts'
import { registerAccounts } from '../../test/support/installation.ts'
import { basic, post, toPair } from '../../test/support/oauth.ts'
import { ownExecutable } from '../installation.ts'
import { beginSessions } from '../peers/sessions.ts'
import { listResident } from '../process-usage.ts'
import { findFreePort } from '../server-process.ts'
import { renderBasic, renderGrants } from '../subjects/oauth.ts'
import type { Grant, TokenRequest } from '../subjects/subject.ts'

const deadline = 60_000

/** A Mintage of one or more processes that is measured. */
export class MeasuredServer {
  readonly name: string
  readonly workers: number
  readonly port: number
  readonly requests: Readonly<Record<Grant, TokenRequest>>
  readonly #child: ChildProcess
  /** One of each session. */
  refreshTokens: readonly string[] = []

  private constructor(
    name: string,
    workers: number,
    port: number,
    requests: Readonly<Record<Grant, TokenRequest>>,
    child: ChildProcess,
  ) {
    this.name = name
    this.workers = workers
    this.port = port
    this.requests = requests
    this.#child = child
  }

  /** Installs and starts one in `directory`, with so many sessions. */
  static async start(
    name: string,
    workers: number,
    directory: string,
    databaseUrl: string,
    sessions: number,
  ): Promise<MeasuredServer> {
    mkdirSync(directory)
    const port = await findFreePort()
    const environment = {
      MINTAGE_ISSUER: `http://127.0.0.1:${port}`,
      MINTAGE_PORT: String(port),
      MINTAGE_ADMIN_PORT: '0',
      MINTAGE_DATABASE_URL: databaseUrl,
      MINTAGE_KEYS_DIR: join(directory, 'keys'),
      MINTAGE_STATE_DIR: join(directory, 'state'),
      // Logging in is not what is measured, and nobody guesses.
      MINTAGE_BCRYPT_COST: '4',
      MINTAGE_THROTTLE: 'off',
    }
    const { service } = await registerAccounts(environment)
    const child = spawn(process.execPath, [ownExecutable, 'serve', '--workers', String(workers)], {
      env: { ...process.env, NODE_ENV: 'production', ...environment },
      stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit'],
    })
    const requests = renderGrants('/oauth2/token', renderBasic(service.id, service.secret))
    const server = new MeasuredServer(name, workers, port, requests, child)
    await server.#ready()
    const form = { grant_type: 'password', username: 'ada', password }
    server.refreshTokens = await beginSessions(
      sessions,
      async () =>
        toPair(await post(`http://127.0.0.1:${port}/oauth2/token`, form, basic(service))).refresh_token,
    )
    return server
  }

  /** Of its first process. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resident memory of each of its processes, in bytes, the first one's first. */
  resident(): readonly number[] {
    return listResident(this.pid)
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const [code] = await ended
    if (code !== 0) throw new Error(`${this.name} with ${this.workers} ended with ${code}.`)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async #ready(): Promise<void> {
    for (
      const end = performance.now() + deadline;
      performance.now() < end && this.#child.exitCode === null;
    ) {
      const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`).catch(() => undefined)
      if (answer?.ok && this.resident().length === (this.workers > 1 ? this.workers + 1 : 1)) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`${this.name} with ${this.workers} did not start.`)
  }
}
