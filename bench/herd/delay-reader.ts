import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ServerRecipe } from '../server-process.ts'
import type { Delays } from './delay-probe.ts'

/** How late the server's event loop was, in milliseconds. */
export interface LoopDelays {
  readonly loopP50: number
  readonly loopP99: number
  readonly loopMax: number
}

const probe = fileURLToPath(new URL('./delay-probe.js', import.meta.url))

/** Reads what `delay-probe.ts` writes, a line at a time. */
export class DelayReader {
  readonly #path: string
  #lines = 0

  constructor(path: string) {
    this.#path = path
  }

  /** The same server with the probe in it. */
  probe<Recipe extends ServerRecipe>(recipe: Recipe): Recipe {
    return {
      ...recipe,
      args: ['--import', probe, ...recipe.args],
      environment: { ...recipe.environment, BENCH_DELAYS: this.#path },
    }
  }

  /** The next line, once it is there. @throws when none comes within ten seconds. */
  async next(): Promise<LoopDelays> {
    for (let waited = 0; waited < 10_000; waited += 20) {
      const line = this.#read().split('\n').slice(0, -1)[this.#lines]
      if (line !== undefined) {
        this.#lines++
        return toMilliseconds(JSON.parse(line))
      }
      await delay(20)
    }
    throw new Error('The server did not say how late its event loop was.')
  }

  #read(): string {
    try {
      return readFileSync(this.#path, 'utf8')
    } catch {
      return ''
    }
  }
}

/** The histogram holds the time from tick to tick, and a tick on time is one resolution after the last. */
function toMilliseconds({ p50, p99, max }: Delays): LoopDelays {
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - 1)
  return { loopP50: late(p50), loopP99: late(p99), loopMax: late(max) }
}
