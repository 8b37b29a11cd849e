import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import type { LoadReport, Phase, PhaseResult } from './load/phase.ts'
import { type CpuTime, readCpuTime } from './process-usage.ts'
import type { ServerName, ServerProcess } from './server-process.ts'
import type { Worker } from './worker.ts'

export const grants = ['client_credentials', 'refresh_token'] as const
export type Grant = (typeof grants)[number]

/** What one round of load showed of a server. Times are milliseconds. */
export interface Sample {
  readonly server: ServerName
  readonly grant: Grant
  readonly requests: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** CPU of the server per request: all its threads, and its main thread. */
  readonly cpu: number
  readonly mainThread: number
}

/** A running server and the refresh tokens that are valid for it now. */
export class Target {
  readonly server: ServerProcess
  #tokens = 0
  #refreshTokens: readonly string[]

  constructor(server: ServerProcess, refreshTokens: readonly string[]) {
    this.server = server
    this.#refreshTokens = refreshTokens
  }

  /** How many tokens it has given out under load. */
  get tokens(): number {
    return this.#tokens
  }

  /** Puts load on the server, and checks what it answered. @throws when any answer was wrong. */
  async measure(load: Worker, grant: Grant, milliseconds: number): Promise<Sample> {
    const { port, authorization } = this.server.recipe
    const refreshTokens = grant === 'refresh_token' ? this.#refreshTokens : []
    const phase: Phase = { port, authorization, connections: 16, milliseconds, refreshTokens }
    const before = readCpuTime(this.server.pid)
    const report = await load.ask<LoadReport>(phase)
    const after = readCpuTime(this.server.pid)
    if ('failure' in report) throw new Error(`${this.server.recipe.name}: ${report.failure}`)
    const { result } = report
    this.#tokens += result.requests
    if (grant === 'refresh_token') this.#refreshTokens = result.refreshTokens
    await verifyTokens(port, result.accessTokens)
    return { server: this.server.recipe.name, grant, ...summarise(result, before, after) }
  }
}

function summarise(result: PhaseResult, before: CpuTime, after: CpuTime): Omit<Sample, 'server' | 'grant'> {
  const { requests, milliseconds, p50, p99 } = result
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

/** @throws when one is not signed by a key that the server publishes. */
async function verifyTokens(port: number, tokens: readonly string[]): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { readonly keys: readonly (JsonWebKey & { kid: string })[] }
  for (const token of tokens) {
    const [header = '', payload = '', signature = ''] = token.split('.')
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
    const key = keys.find((each) => each.kid === kid)
    const signed = Buffer.from(`${header}.${payload}`)
    const good =
      key !== undefined &&
      verify('sha256', signed, createPublicKey({ key, format: 'jwk' }), Buffer.from(signature, 'base64url'))
    if (!good) throw new Error(`A token with a bad signature was given out: ${token}`)
  }
}
