import { randomFillSync } from 'node:crypto'

/** Random bytes in store, since asking for a few costs as much as asking for thousands. */
const pool = Buffer.allocUnsafeSlow(4_096)
let used = pool.length

/** `bytes` random bytes in base64url. @throws {RangeError} for more than 4096. */
export function randomToken(bytes: number): string {
  if (bytes > pool.length)
    throw new RangeError(`A token has at most ${pool.length} random bytes, not ${bytes}.`)
  if (bytes > pool.length - used) {
    randomFillSync(pool)
    used = 0
  }
  const start = used
  used += bytes
  const token = pool.toString('base64url', start, used)
  // What was given out, a secret perhaps, stays nowhere but with its owner.
  pool.fill(0, start, used)
  return token
}

/** An identifier that is never used again: the prefix and 128 random bits. */
export function randomId<Prefix extends string>(prefix: Prefix): `${Prefix}_${string}` {
  return `${prefix}_${randomToken(16)}`
}
