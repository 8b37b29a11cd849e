import type { Context } from 'koa'
import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'

/** How long an answer about the database is good for, so that a probe cannot become a load, in milliseconds. */
const answerLife = second

/** Whether the issuer can serve now. */
export class Readiness {
  /** Set while the process is stopping. */
  draining = false
  readonly #database: { isUsable(): Promise<boolean> }
  readonly #keys: { isUsable(): boolean }
  readonly #clock: Clock
  #checked: { readonly at: number; readonly usable: Promise<boolean> } | undefined

  constructor(database: { isUsable(): Promise<boolean> }, keys: { isUsable(): boolean }, clock: Clock) {
    this.#database = database
    this.#keys = keys
    this.#clock = clock
  }

  /** What keeps the issuer from serving; empty when nothing does. */
  async problems(): Promise<readonly string[]> {
    const now = this.#clock.now()
    if (!this.#checked || Math.abs(now - this.#checked.at) >= answerLife) {
      this.#checked = { at: now, usable: this.#database.isUsable() }
    }
    return [
      ...(this.draining ? ['draining'] : []),
      ...((await this.#checked.usable) ? [] : ['database']),
      ...(this.#keys.isUsable() ? [] : ['signing key']),
    ]
  }
}

/** `GET /livez`: the process answers. */
export function livenessEndpoint(context: Context): void {
  context.body = { status: 'alive' }
}

/** `GET /readyz`: 503 while the database or the signing key cannot be used, and while draining. */
export function readinessEndpoint(readiness: Readiness): (context: Context) => Promise<void> {
  return async (context) => {
    const problems = await readiness.problems()
    context.status = problems.length === 0 ? 200 : 503
    context.body = problems.length === 0 ? { status: 'ready' } : { status: 'unready', problems }
  }
}
