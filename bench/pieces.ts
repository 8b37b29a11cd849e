/**
 * `npm run bench:pieces`: what single steps of a token cost by themselves, in CPU of one process that does nothing
 * else. The log lines go to stdout, which the command throws away; the table goes to stderr.
 */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkAccessTokenClaims, parseCompactJws, verifyCompactJws } from '@mintage/verifier/jws'
import { createLogger, logEvents } from '../src/events/log.ts'
import { parseForm } from '../src/http/oauth2/parameters.ts'
import { sha256 } from '../src/lib/digests.ts'
import { randomToken } from '../src/lib/ids.ts'
import { readRefreshToken, writeRefreshToken } from '../src/sessions/refresh-token.ts'
import { openDatabase, withSqliteConnection } from '../src/store/database.ts'
import { renderTable } from './results.ts'
import { spread } from './statistics.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const publicKey = createPublicKey(privateKey)
const issuedAt = Math.floor(Date.now() / 1_000)
const claims = {
  iss: 'http://127.0.0.1:8080',
  sub: 'usr_abcdefghijklmnopqrstuv',
  aud: 'https://api.example',
  client_id: 'service',
  iat: issuedAt,
  exp: issuedAt + 900,
  jti: randomToken(16),
  scope: 'orders:read orders:write',
  sid: 'ses_abcdefghijklmnopqrstuv',
}
const signingInput = [{ alg: 'RS256', typ: 'at+jwt', kid: randomToken(32) }, claims]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.')
const signOnce = () => sign('sha256', Buffer.from(signingInput), privateKey)
const signByPool = () =>
  new Promise<void>((resolve, reject) => {
    sign('sha256', Buffer.from(signingInput), privateKey, (error) => (error ? reject(error) : resolve()))
  })
const atOnce = 16
const token = `${signingInput}.${signOnce().toString('base64url')}`
const expectation = {
  issuer: claims.iss,
  audience: claims.aud,
  typ: 'at+jwt',
  now: issuedAt * 1_000,
  clockTolerance: 1_000,
  maxLifetime: Number.MAX_SAFE_INTEGER,
} as const

const macKey = { id: 1, key: Buffer.alloc(32, 1) }
const macKeys = { currentMacKey: () => macKey, macKey: () => macKey.key }
const session = { handle: randomToken(16), generation: 7 }
const refreshToken = writeRefreshToken(session, macKey)
const form = `grant_type=refresh_token&refresh_token=${refreshToken}`
const tell = logEvents(createLogger('info'))

const directory = mkdtempSync(join(tmpdir(), 'mintage-pieces-'))
const { knex } = openDatabase(`sqlite:${join(directory, 'pieces.db')}`)

/** Each step, how often it is taken in one round, and how many things it does where that is more than one. */
const pieces: Readonly<Record<string, readonly [count: number, step: () => unknown, things?: number]>> = {
  'signature on the main thread': [400, signOnce],
  'signature by the thread pool, alone': [400, signByPool],
  'signature by the thread pool, sixteen at once': [
    25,
    () => Promise.all(Array.from({ length: atOnce }, signByPool)),
    atOnce,
  ],
  'self-check: take apart, verify, check the claims': [
    4_000,
    () => {
      const jws = parseCompactJws(token)
      return checkAccessTokenClaims(jws.header, verifyCompactJws(jws, publicKey), expectation)
    },
  ],
  'self-check: the signature alone': [4_000, () => verifyCompactJws(parsed, publicKey)],
  'claims to JSON to base64url': [40_000, () => Buffer.from(JSON.stringify(claims)).toString('base64url')],
  'refresh token: read': [20_000, () => readRefreshToken(refreshToken, macKeys)],
  'refresh token: write': [20_000, () => writeRefreshToken(session, macKey)],
  'client secret: digest': [40_000, () => sha256(refreshToken)],
  'random token': [40_000, () => randomToken(16)],
  'form: parse': [40_000, () => parseForm(form)],
  'log line': [
    20_000,
    () => tell({ type: 'token.issued', grant: 'refresh_token', client: 'service', jti: claims.jti }),
  ],
  'database: borrow the connection (once a commit)': [
    10_000,
    () => withSqliteConnection(knex, () => undefined),
  ],
}
const parsed = parseCompactJws(token)

/** Microseconds of CPU of one step. */
async function measure(count: number, step: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  for (let done = 0; done < count; done++) {
    const result = step()
    if (result instanceof Promise) await result
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

const rounds = 7
const times = new Map<string, number[]>(Object.keys(pieces).map((name) => [name, []]))
for (let round = 0; round <= rounds; round++) {
  for (const [name, [count, step, things = 1]] of Object.entries(pieces)) {
    const time = (await measure(count, step)) / things
    // The first round is the warm-up.
    if (round > 0) times.get(name)?.push(time)
  }
}
await knex.destroy()
rmSync(directory, { recursive: true })

const rows = [...times].map(([name, values]) => {
  const { median, least, most } = spread(values)
  return [name, median.toFixed(2), `${least.toFixed(2)}–${most.toFixed(2)}`]
})
process.stderr.write(`${renderTable(['step', 'µs of CPU, median', `of ${rounds} rounds`], rows)}\n`)
