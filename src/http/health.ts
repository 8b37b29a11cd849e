import { setTimeout as delay } from 'node:timers/promises'
import type { Context } from 'koa'
import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import { answerJson } from './json-answer.ts'

/** How long an answer about the database is good for, so that a probe cannot become a load, in milliseconds. */
const answerLife = second

/** How long a probe waits for the database, in milliseconds; those of the usual supervisors give up soon after. */
const databasePatience = 800

/** Whether the issuer can serve now. */
export class Readiness {
  /** Set while the process is stopping. */
  draining = false
  readonly #database: { isUsable(): Promise<boolean> }
  readonly #keys: { isUsable(): boolean }
  readonly #clock: Clock
  #checked: { readonly at: number; readonly usable: Promise<boolean> } | undefined
  #checking = false

  constructor(database: { isUsable(): Promise<boolean> }, keys: { isUsable(): boolean }, clock: Clock) {
    this.#database = database
    this.#keys = keys
    this.#clock = clock
  }

  /** What keeps the issuer from serving; empty when nothing does. */
  async problems(): Promise<readonly string[]> {
    const isUsable = await Promise.race([
      this.#isDatabaseUsable(),
      delay(databasePatience, false, { ref: false }),
    ])
    return [
      ...(this.draining ? ['draining'] : []),
      ...(isUsable ? [] : ['database']),
      ...(this.#keys.isUsable() ? [] : ['signing key']),
    ]
  }

  /** One check at a time: while the database hangs, probes must not queue up behind it. */
  #isDatabaseUsable(): Promise<boolean> {
    const now = this.#clock.now()
    if (this.#checked && (this.#checking || Math.abs(now - this.#checked.at) < answerLife)) {
      return this.#checked.usable
    }
    this.#checking = true
    const usable = this.#database.isUsable().finally(() => {
      this.#checking = false
    })
    this.#checked = { at: now, usable }
    return usable
  }
}

/** `GET /livez`: the process answers. */
export function livenessEndpoint(context: Context): void {
  answerJson(context, { status: 'alive' })
}

/** `GET /readyz`: 503 while the database or the signing key cannot be used, and while draining. */
export function readinessEndpoint(
  readiness: Pick<Readiness, 'problems'>,
): (context: Context) => Promise<void> {
  return async (context) => {
    const problems = await readiness.problems()
    context.status = problems.length === 0 ? 200 : 503
    answerJson(context, problems.length === 0 ? { status: 'ready' } : { status: 'unready', problems })
  }
}
