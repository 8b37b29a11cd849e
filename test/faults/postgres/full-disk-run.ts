import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../support/eventually.ts'
import { CannotRunError } from '../fault.ts'
import type { Place } from './cluster.ts'
import { Bookkeeping } from './honest-client.ts'
import { beginSessions, countForked } from './kill-nodes-run.ts'
import { untilAllMove } from './promotion-run.ts'
import { openSite } from './site.ts'

export interface FullDiskResult {
  times: number
  refreshed: number
  loggedOut: number
  forked: number
  readonly failures: ReadonlyMap<string, number>
  /** How often the key set was asked for while the disk was full, and how often it came. */
  keySetsAsked: number
  keySets: number
  /** How often PostgreSQL ended by itself, for it could not write its log. */
  ended: number
  /** From the moment at which there is room again and PostgreSQL runs to everybody's refresh, in milliseconds. */
  readonly recoveries: number[]
}

/** A small disk of its own; PostgreSQL's log in small pieces that are used once, so that it needs room soon. */
const small: Place = {
  enter(directory) {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', directory], { stdio: 'pipe' })
    } catch (error) {
      throw new CannotRunError(`no small disk can be mounted here: ${error}`)
    }
    return () => execFileSync('umount', ['-l', directory])
  },
  options: ['--wal-segsize=1'],
  settings: { wal_keep_size: '1GB', max_wal_size: '4MB', shared_buffers: '8MB' },
}

/** Fills the disk of PostgreSQL under load, and makes room again. */
export async function fillDisk(options: {
  readonly times: number
  readonly clients: number
  readonly pause: number
}): Promise<FullDiskResult> {
  const site = await openSite({ replication: 'none', place: small })
  const books = new Bookkeeping()
  const result: FullDiskResult = {
    times: 0,
    refreshed: 0,
    loggedOut: 0,
    forked: 0,
    failures: books.failures,
    keySetsAsked: 0,
    keySets: 0,
    ended: 0,
    recoveries: [],
  }
  const clients = await beginSessions(site, options.clients, books)
  const load = new AbortController()
  const { primary, directory } = site.cluster
  const ballast = join(directory, 'ballast')
  try {
    const working = Promise.all(clients.map((each) => each.work(site.url, options.pause, load.signal)))
    while (result.times < options.times) {
      await untilAllMove(clients)
      const before = sum(books.failures)
      fill(ballast)
      // What PostgreSQL has put aside is used up by somebody else's writes, or nobody would notice for a while.
      const write = "SELECT pg_logical_emit_message(false, 'ballast', repeat('x', 500000))"
      const failures = await eventually(
        async () => {
          fill(ballast)
          await primary.query(write).catch(() => undefined)
          return sum(books.failures)
        },
        (count) => count > before + options.clients,
        60_000,
      )
      if (failures === before) throw new Error('The disk is full and nothing fails.')
      await delay(1_000)
      for (let i = 0; i < 20; i++) {
        result.keySetsAsked++
        const answer = await fetch(`${site.url}/.well-known/jwks.json`)
        await answer.arrayBuffer()
        if (answer.status === 200) result.keySets++
      }
      rmSync(ballast)
      if (!primary.isRunning) {
        result.ended++
        await primary.start()
      }
      const roomAt = performance.now()
      await untilAllMove(clients)
      result.recoveries.push(performance.now() - roomAt)
      result.times++
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

/** Takes all the room that is left. */
function fill(path: string): void {
  const file = openSync(path, 'a')
  const piece = Buffer.alloc(65_536)
  try {
    for (let size = piece.length; size > 0; ) {
      try {
        writeSync(file, piece, 0, size)
      } catch {
        size = Math.floor(size / 2)
      }
    }
  } finally {
    closeSync(file)
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0)
}
