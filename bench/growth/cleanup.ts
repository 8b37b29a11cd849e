import { statSync } from 'node:fs'
import { join } from 'node:path'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { DelayReader, type LoopDelays } from '../herd/delay-reader.ts'
import { ServerProcess } from '../server-process.ts'
import { type Load, refreshLines, type Sample } from './load.ts'
import type { World } from './world.ts'

const Sqlite = loadSqliteDriver()

/** What one stretch of load showed while rows were, or were not, being deleted. */
export interface CleanupSample extends Sample, LoopDelays {
  /** Since the server was ready, in seconds. */
  readonly at: number
  /** How many sessions were left at its end. */
  readonly left: number
  /** The size of the log, in bytes. */
  readonly wal: number
}

/**
 * Refreshes live sessions while the server deletes the expired ones, which it begins a minute after its start, until they
 * are gone or `seconds` have passed.
 */
export async function measureCleanup(
  world: World,
  load: Load,
  { phase, seconds }: { readonly phase: number; readonly seconds: number },
  say: (text: string) => void,
): Promise<readonly CleanupSample[]> {
  const delays = new DelayReader(join(world.directory, 'delays'))
  const { recipe } = world
  const server = await ServerProcess.start(delays.probe(recipe))
  const database = new Sqlite(world.database, { readonly: true })
  try {
    const countLeft = database.prepare<[], number>('SELECT count(*) FROM sessions').pluck()
    const began = performance.now()
    const samples: CleanupSample[] = []
    let lines = refreshLines(recipe.authorization, world.draw(20_000))
    for (let left = world.sessions; left > world.live; ) {
      server.signal('SIGUSR2')
      await delays.next()
      const measured = await load.measure(server, lines, phase)
      lines = measured.lines
      server.signal('SIGUSR2')
      const late = await delays.next()
      left = countLeft.get() ?? 0
      const at = (performance.now() - began) / 1_000
      samples.push({ ...measured.sample, ...late, at, left, wal: statSync(`${world.database}-wal`).size })
      say(`${left - world.live} expired sessions are left after ${at.toFixed(0)} s`)
      if (at > seconds) break
    }
    return samples
  } finally {
    database.close()
    await server.stop()
  }
}
