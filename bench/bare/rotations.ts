import { openBareDatabase } from './database.ts'

export interface BareSession {
  readonly handle: string
  readonly sid: string
  readonly user: string
  readonly scope: string
  readonly generation: number
}

interface Job {
  readonly handle: string
  readonly generation: number
  readonly resolve: (session: BareSession | undefined) => void
}

type Row = BareSession & { readonly expires_at: number }

/**
 * Rotations that share a durable commit with all others that wait: a read and a write of one row each, prepared.
 * @returns the session after its rotation; undefined when the token is not its latest.
 */
export function createRotations(
  path: string,
): (handle: string, generation: number) => Promise<BareSession | undefined> {
  const database = openBareDatabase(path)
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const read = database.prepare<[string], Row>('SELECT * FROM sessions WHERE handle = ?')
  const rotate = database.prepare('UPDATE sessions SET generation = ?, rotated_at = ? WHERE handle = ?')
  let waiting: Job[] = []

  function rotateOne({ handle, generation }: Job, now: number): BareSession | undefined {
    const row = read.get(handle)
    if (!row || row.generation !== generation || row.expires_at < now) return undefined
    rotate.run(generation + 1, now, handle)
    return { ...row, generation: generation + 1 }
  }

  function drain(): void {
    const group = waiting
    waiting = []
    const now = Date.now()
    begin.run()
    const rotated = group.map((job) => rotateOne(job, now))
    commit.run()
    for (const [index, job] of group.entries()) job.resolve(rotated[index])
  }

  return (handle, generation) =>
    new Promise((resolve) => {
      if (waiting.length === 0) setImmediate(drain)
      waiting.push({ handle, generation, resolve })
    })
}
