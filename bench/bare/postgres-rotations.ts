import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { BareSession } from './rotations.ts'

interface Job {
  readonly handle: string
  readonly generation: number
  readonly resolve: (session: BareSession | undefined) => void
  readonly reject: (error: unknown) => void
}

const bigint = 20

/**
 * One statement for all that wait: it reads and writes one row each, and is a durable commit by itself. `expires_at`
 * is judged by the caller's clock, as the bare reference on SQLite does.
 */
const rotateGroup = {
  name: 'rotate',
  text: `UPDATE sessions s SET generation = s.generation + 1, rotated_at = $3
    FROM unnest($1::text[], $2::bigint[]) AS w (handle, generation)
    WHERE s.handle = w.handle AND s.generation = w.generation AND s.expires_at > $3
    RETURNING s.handle, s.sid, s."user", s.scope, s.generation`,
}

/**
 * Rotations on PostgreSQL that share a durable commit with all others that wait, by one prepared statement on one
 * connection. It locks nothing but what it writes, and knows neither retries nor a commit without an answer.
 * @returns the session after its rotation; undefined when the token is not its latest.
 */
export function createPostgresRotations(
  url: string,
): (handle: string, generation: number) => Promise<BareSession | undefined> {
  const client = new pg.Client({ connectionString: url })
  client.setTypeParser(bigint, Number)
  const connected = client.connect()
  let waiting: Job[] = []
  let isRunning = false

  async function rotate(group: readonly Job[]): Promise<void> {
    const handles = group.map(({ handle }) => handle)
    const generations = group.map(({ generation }) => generation)
    const { rows } = await client.query<BareSession>({
      ...rotateGroup,
      values: [handles, generations, Date.now()],
    })
    const rotated = new Map(rows.map((row) => [row.handle, row]))
    for (const job of group) job.resolve(rotated.get(job.handle))
  }

  async function drain(): Promise<void> {
    await connected
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      await rotate(group).catch((error) => {
        for (const job of group) job.reject(error)
      })
    }
    isRunning = false
  }

  return (handle, generation) =>
    new Promise((resolve, reject) => {
      waiting.push({ handle, generation, resolve, reject })
      if (isRunning) return
      isRunning = true
      setImmediate(() => void drain())
    })
}

/**
 * Makes the one table of the bare reference on PostgreSQL, with as many sessions.
 * @returns their refresh tokens, `handle.generation`.
 */
export async function createBarePostgres(url: string, sessions: number): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`CREATE TABLE sessions (
      handle text PRIMARY KEY, sid text NOT NULL UNIQUE, client text NOT NULL, "user" text NOT NULL,
      scope text NOT NULL, generation bigint NOT NULL, rotated_at bigint NOT NULL, expires_at bigint NOT NULL
    )`)
    const names = () => Array.from({ length: sessions }, () => randomBytes(16).toString('base64url'))
    const handles = names()
    const now = Date.now()
    await client.query(
      `INSERT INTO sessions SELECT handle, sid, 'service', "user", 'orders:read orders:write', 0, $4::bigint, $5::bigint
       FROM unnest($1::text[], $2::text[], $3::text[]) AS s (handle, sid, "user")`,
      [handles, names(), names(), now, now + 90 * 86_400_000],
    )
    return handles.map((handle) => `${handle}.0`)
  } finally {
    await client.end()
  }
}
