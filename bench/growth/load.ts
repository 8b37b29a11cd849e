import { type CpuTime, readCpuTime } from '../process-usage.ts'
import type { ServerProcess } from '../server-process.ts'
import { Worker } from '../worker.ts'
import type { GrowthPhase, GrowthResult, Line } from './phase.ts'

/** What one stretch of load showed of a server. Times are milliseconds. */
export interface Sample {
  readonly requests: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly most: number
  /** CPU of the server per request, all its threads. */
  readonly cpu: number
}

/** As many connections as the other benchmarks have. */
const connections = 16

/** Puts load on servers, from a process of its own. */
export class Load {
  readonly #worker = Worker.start('./growth/generator.js')

  /** @throws when any answer was wrong. */
  async measure(
    server: ServerProcess,
    lines: readonly Line[],
    milliseconds: number,
  ): Promise<{ readonly sample: Sample; readonly lines: readonly Line[] }> {
    const phase: GrowthPhase = { port: server.recipe.port, connections, milliseconds, lines }
    const before = readCpuTime(server.pid)
    const result = await this.#worker.ask<GrowthResult>(phase)
    const after: CpuTime = readCpuTime(server.pid)
    return {
      lines: result.lines,
      sample: {
        requests: result.requests,
        perSecond: (result.requests / result.milliseconds) * 1_000,
        p50: result.p50,
        p99: result.p99,
        most: result.most,
        cpu: (after.total - before.total) / result.requests,
      },
    }
  }

  stop(): void {
    this.#worker.stop()
  }
}

/** The requests that redeem these refresh tokens, and then their successors. */
export function refreshLines(authorization: string, tokens: readonly string[]): readonly Line[] {
  return tokens.map((token) => ({ authorization, form: `grant_type=refresh_token&refresh_token=${token}` }))
}
