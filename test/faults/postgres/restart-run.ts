import { setTimeout as delay } from 'node:timers/promises'
import { Bookkeeping } from './honest-client.ts'
import { beginSessions, countForked } from './kill-nodes-run.ts'
import { untilAllMove } from './promotion-run.ts'
import type { Ending } from './server.ts'
import { openSite } from './site.ts'

export interface RestartOptions {
  readonly restarts: number
  readonly clients: number
  /** Between two refreshes of a client, in milliseconds, on average. */
  readonly pause: number
  /** By turns; both unless told otherwise. */
  readonly endings?: readonly Ending[]
  readonly say?: (line: string) => void
}

export interface RestartResult {
  restarts: number
  refreshed: number
  /** Clients that were told `invalid_grant`. */
  loggedOut: number
  forked: number
  /** Tries that failed, by what came. */
  failures: ReadonlyMap<string, number>
  /** From the moment at which PostgreSQL answers again to the first refresh, and to everybody's, in milliseconds. */
  readonly recoveries: number[]
  readonly recoveriesOfAll: number[]
}

/** Restarts PostgreSQL under load, by turns as an operator does and as a crash does. */
export async function restartUnderLoad(options: RestartOptions): Promise<RestartResult> {
  const site = await openSite({ replication: 'none' })
  const books = new Bookkeeping()
  const result: RestartResult = {
    restarts: 0,
    refreshed: 0,
    loggedOut: 0,
    forked: 0,
    failures: books.failures,
    recoveries: [],
    recoveriesOfAll: [],
  }
  const clients = await beginSessions(site, options.clients, books)
  const load = new AbortController()
  const { endings = ['fast', 'immediate'] } = options
  try {
    const working = Promise.all(clients.map((each) => each.work(site.url, options.pause, load.signal)))
    while (result.restarts < options.restarts) {
      await delay(500 + Math.random() * 1_500)
      const ending = endings[result.restarts % endings.length] ?? 'fast'
      const stoppedAt = performance.now()
      await site.cluster.primary.stop(ending)
      // Sometimes it is back at once, sometimes the pools have noticed.
      await delay(Math.random() * 2_000)
      await site.cluster.primary.start()
      const backAt = performance.now()
      result.restarts++
      await untilAllMove(clients)
      result.recoveriesOfAll.push(performance.now() - backAt)
      const recovery = books.recovery(stoppedAt, stoppedAt) ?? Number.POSITIVE_INFINITY
      // Nodes may be quicker than the question whether it answers again.
      result.recoveries.push(Math.max(0, recovery - (backAt - stoppedAt)))
      options.say?.(
        `restart ${result.restarts} (${ending}): the first refresh ${Math.round(result.recoveries.at(-1) ?? 0)} ms, ` +
          `everybody's ${Math.round(result.recoveriesOfAll.at(-1) ?? 0)} ms after it answered again`,
      )
    }
    load.abort()
    await working
    result.refreshed = books.refreshed
    result.loggedOut = books.refused.length
    result.forked = books.forked + (await countForked(site, clients))
    return result
  } finally {
    load.abort()
    for (const client of clients) client.close()
    await site.close()
  }
}
