import type { Phase, PhaseResult } from './load/phase.ts'
import { readCpuTime } from './process-usage.ts'
import type { ServerProcess } from './server-process.ts'
import type { Grant, Installed } from './subjects/subject.ts'
import type { Worker } from './worker.ts'

/** What one round of load showed of a server. Times are milliseconds. */
export interface Sample {
  readonly server: string
  readonly grant: Grant
  readonly connections: number
  readonly requests: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** CPU of the server per request: all its processes and threads, and the main thread of its first process. */
  readonly cpu: number
  readonly mainThread: number
}

/** A running server and the refresh tokens that are valid for it now. */
export class Target {
  readonly server: ServerProcess
  readonly #installed: Installed
  #tokens = 0
  #refreshTokens: readonly string[]

  constructor(server: ServerProcess, installed: Installed, refreshTokens: readonly string[]) {
    this.server = server
    this.#installed = installed
    this.#refreshTokens = refreshTokens
  }

  get name(): string {
    return this.server.recipe.name
  }

  /** How many tokens it has given out under load. */
  get tokens(): number {
    return this.#tokens
  }

  supports(grant: Grant): boolean {
    return this.#installed.requests[grant] !== undefined
  }

  /**
   * Puts load on the server, and checks what it answered; times are milliseconds. See {@link Phase}.
   * @throws when any answer was wrong.
   */
  async measure(
    load: Worker,
    grant: Grant,
    connections: number,
    milliseconds: number,
    leadIn = 0,
  ): Promise<Sample> {
    const { recipe, pid } = this.server
    const request = this.#installed.requests[grant]
    if (!request) throw new Error(`${this.name} has no ${grant}.`)
    const refreshTokens = grant === 'refresh_token' ? this.#refreshTokens : []
    const phase: Phase = { port: recipe.port, pid, request, connections, milliseconds, leadIn, refreshTokens }
    const result = await load.ask<PhaseResult>(phase, this.name)
    this.#tokens += result.requests
    if (grant === 'refresh_token') this.#refreshTokens = result.refreshTokens
    for (const token of result.accessTokens) await this.#installed.verify(token)
    return { server: this.name, grant, connections, ...summarise(result) }
  }
}

function summarise({
  requests,
  milliseconds,
  p50,
  p99,
  before,
  after,
}: PhaseResult): Omit<Sample, 'server' | 'grant' | 'connections'> {
  return {
    requests,
    perSecond: (requests / milliseconds) * 1_000,
    p50,
    p99,
    cpu: (after.total - before.total) / requests,
    mainThread: (after.mainThread - before.mainThread) / requests,
  }
}

/** CPU of one signature, in milliseconds. */
export async function measureSignature(signer: Worker, count: number): Promise<number> {
  const before = readCpuTime(signer.pid).total
  await signer.ask(count)
  return (readCpuTime(signer.pid).total - before) / count
}
