import { setTimeout as delay } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { PostgresConnection } from 'knex/lib/dialects/postgres/index.js'
import { randomToken } from '../lib/ids.ts'
import type { ChangeWatch, Look } from './change-watch.ts'
import type { Database } from './database.ts'
import { cutConnection } from './postgres-client.ts'

/** What every process of an installation listens to; notifications stay within their database. */
const channel = 'mintage'

/** How often to look, in milliseconds: where notifications are known to arrive, and where they are not. */
const slowly = 1_000
const quickly = 200

/** How often a process notifies itself, to know whether notifications arrive, in milliseconds. */
const probeInterval = 5_000

/** The longest pause before a connection that broke is made again, in milliseconds. */
const longestPause = 1_000

/** How long an answer is waited for at the end, in milliseconds. */
const farewell = 500

/** Wakes whoever listens, once the transaction of `query` is committed. */
export async function wake(query: Knex): Promise<void> {
  await query.raw(`SELECT pg_notify('${channel}', '')`)
}

/**
 * Listens on a connection of its own, and looks over it, so that a full pool delays neither. Notifications make it
 * fast and nothing rests on them: while the connection is broken, or a pooler swallows what comes, looking again and
 * again finds the same a moment later.
 */
export class PostgresWatch implements ChangeWatch {
  readonly #database: Database
  readonly #look: Look
  /** A channel that nobody else hears. */
  readonly #own = `mintage_${randomToken(12)}`
  #stir: () => void = () => undefined
  #isNews = false
  /** Whether nothing was looked at yet over the connection there is, which is not the first. */
  #isAnew = false
  #heardAt = Number.NEGATIVE_INFINITY
  #probedAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined
  readonly #end = new AbortController()
  readonly #stop = new AbortController()

  constructor(database: Database, look: Look) {
    this.#database = database
    this.#look = look
  }

  start(): void {
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#end.abort()
    this.#stir()
    // What is asked of a server that does not answer is not waited for.
    const timer = setTimeout(() => this.#stop.abort(), farewell)
    await this.#running
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    let failures = 0
    while (!this.#end.signal.aborted) {
      try {
        await this.#follow(() => {
          failures = 0
        })
      } catch {
        // An outage is told by the requests that meet it; the feed catches up when the database is back.
        failures++
      }
      // A standby that has taken over may lack commits, and give their numbers to others.
      this.#isAnew = true
      const pause = Math.min(longestPause, 50 * 2 ** failures) * (0.5 + Math.random() / 2)
      await delay(pause, undefined, { ref: false, signal: this.#end.signal }).catch(() => undefined)
    }
  }

  /** Looks over one connection until it breaks. */
  async #follow(onLook: () => void): Promise<void> {
    const { knex } = this.#database
    const connection: PostgresConnection = await knex.client.acquireRawConnection()
    let isBroken = false
    const onEnd = () => {
      isBroken = true
      this.#stir()
    }
    connection.on('error', onEnd)
    connection.on('end', onEnd)
    connection.on('notification', (notification) => {
      if (notification.channel === this.#own) this.#heardAt = performance.now()
      else this.#isNews = true
      if (this.#isNews) this.#stir()
    })
    const onStop = () => cutConnection(connection)
    this.#stop.signal.addEventListener('abort', onStop, { once: true })
    try {
      this.#heardAt = Number.NEGATIVE_INFINITY
      this.#probedAt = Number.NEGATIVE_INFINITY
      if (this.#database.canNotify) {
        await knex.raw(`LISTEN ${channel}; LISTEN "${this.#own}"`).connection(connection)
      }
      while (!isBroken && !this.#end.signal.aborted) {
        // Before the reading, so that what arrives during it is read once more.
        this.#isNews = false
        await this.#look(connection, this.#isAnew)
        this.#isAnew = false
        onLook()
        this.#probe()
        await this.#rest()
      }
    } finally {
      this.#stop.signal.removeEventListener('abort', onStop)
      await knex.client.destroyRawConnection(connection).catch(() => undefined)
    }
  }

  /** By another connection: a pooler may give back what one says on its own. */
  #probe(): void {
    if (!this.#database.canNotify || performance.now() - this.#probedAt < probeInterval) return
    this.#probedAt = performance.now()
    this.#database.knex.raw('SELECT pg_notify(?, ?)', [this.#own, '']).catch(() => undefined)
  }

  /** Until something is heard, or it is time to look anyway. */
  async #rest(): Promise<void> {
    if (this.#isNews) return
    const isHeard = this.#heardAt >= this.#probedAt && this.#probedAt > 0
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, isHeard ? slowly : quickly).unref()
      this.#stir = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
