import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeChildInstallation } from '../support/child-installation.ts'
import { DjangoProject, scriptPath } from './django-project.ts'

/**
 * Refresh tokens that a real Django with SimpleJWT gave out go on after the switch, and those that should not do not:
 * printed as a table, and the process fails when one is answered otherwise.
 */

interface OldTokens {
  readonly good: readonly string[]
  readonly blacklisted: readonly string[]
  readonly expired: readonly string[]
  readonly access: readonly string[]
}

interface Answer {
  readonly status: number
  readonly refresh: unknown
  readonly detail: unknown
}

const { values } = parseArgs({ options: { tokens: { type: 'string', default: '1000' } } })
const secretKey = 'django-insecure-k%3v!q0w8z&n1m5x7c9b2l4j6h8g0f2d4s6a8p1o3i5u7y'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

await moveSessions('HS256', Number(values.tokens), secretKey, {})
await moveSessions('RS256', 100, pem, { RSA_KEY: pem })

async function moveSessions(
  algorithm: string,
  count: number,
  key: string,
  signing: Readonly<Record<string, string>>,
): Promise<void> {
  const installation = await makeChildInstallation({
    environment: {
      MINTAGE_SIMPLEJWT_CLIENT: 'web',
      MINTAGE_DJANGO_KEY: key,
      MINTAGE_DJANGO_KEY_UNTIL: new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, ''),
    },
  })
  try {
    const database = { sqlite: join(installation.directory, 'django.sqlite3') }
    const project = new DjangoProject(database, undefined, {
      SIMPLEJWT: '1',
      SECRET_KEY: secretKey,
      ...signing,
    })
    await project.migrate()
    const made = await project.run(readFileSync(scriptPath('make_tokens.py'), 'utf8'), {
      USERS: String(count),
    })
    const tokens: OldTokens = JSON.parse(made)
    await installation.administer('api', 'create', 'https://api.example')
    const grants = ['--grant', 'password', '--grant', 'refresh_token']
    await installation.administer('client', 'create', '--id', 'web', '--public', ...grants)
    const imported = await installation.administer('user', 'import', project.source)
    assert.equal(read(imported, 'created'), count)
    const blacklist = await installation.administer('session', 'import-blacklist', project.source)
    assert.equal(read(blacklist, 'taken'), tokens.blacklisted.length)
    const { url } = await installation.serve()
    const ask = (refresh: string) => post(`${url}/api/token/refresh/`, { refresh })
    const rows = await judge(tokens, ask)
    const { expired, ...sessions } = await countSessions(installation)
    console.log(`\nSimpleJWT, ${algorithm}: ${count} tokens made before the switch`)
    console.table(rows)
    console.log(`sessions: ${JSON.stringify(sessions)}`)
    for (const row of rows) assert.equal(row['as wished'], row.tokens, row.what)
    const replayed = Math.floor(tokens.good.length / 7)
    assert.deepEqual(sessions, { live: tokens.good.length - replayed, reuse: replayed })
    assert.equal(expired, 0)
  } finally {
    await installation.remove()
  }
}

async function judge(tokens: OldTokens, ask: (token: string) => Promise<Answer>) {
  const { good } = tokens
  const replayed = good.slice(0, Math.floor(good.length / 7))
  // Before they are used: what was forged of a token must not take its place.
  const forged = await askAll(good.map(forge), ask)
  const first = await askAll(good, ask)
  const again = await askAll(good, ask)
  const successors = first.slice(0, replayed.length).map(({ refresh }) => String(refresh))
  const onwards = await askAll(successors, ask)
  const replays = await askAll(replayed, ask)
  const after = await askAll(
    onwards.map(({ refresh }) => String(refresh)),
    ask,
  )
  const refused = (detail: string) => (answer: Answer) => answer.status === 401 && answer.detail === detail
  const isNew = ({ status, refresh }: Answer) => status === 200 && typeof refresh === 'string'
  const tell = (
    what: string,
    answers: readonly Answer[],
    isWished: (answer: Answer, at: number) => boolean,
  ) => ({
    what,
    tokens: answers.length,
    'as wished': answers.filter(isWished).length,
    answers: [...new Set(answers.map(({ status, detail }) => `${status} ${detail ?? ''}`.trim()))].join('; '),
  })
  return [
    tell('good', first, isNew),
    tell(
      'good, the answer lost and asked for again',
      again,
      ({ refresh }, at) => refresh === first[at]?.refresh,
    ),
    tell('good, the new token refreshed', onwards, isNew),
    tell('then the old one replayed', replays, refused('Token is blacklisted')),
    tell('and the new one, whose session has ended', after, refused('Token is blacklisted')),
    tell('blacklisted', await askAll(tokens.blacklisted, ask), refused('Token is blacklisted')),
    tell('expired', await askAll(tokens.expired, ask), refused('Token is expired')),
    tell('an access token', await askAll(tokens.access, ask), refused('Token has wrong type')),
    tell('forged', forged, refused('Token is invalid')),
  ]
}

/** Says another user, under the same signature. */
function forge(token: string): string {
  const [header, payload = '', signature] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const other = Buffer.from(JSON.stringify({ ...claims, user_id: `${claims.user_id}0` })).toString(
    'base64url',
  )
  return `${header}.${other}.${signature}`
}

/** Sixteen at a time, in their order. */
async function askAll(
  tokens: readonly string[],
  ask: (token: string) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  for (let first = 0; first < tokens.length; first += 16) {
    answers.push(...(await Promise.all(tokens.slice(first, first + 16).map(ask))))
  }
  return answers
}

async function post(url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer: unknown = await response.json()
  return { status: response.status, refresh: read(answer, 'refresh'), detail: read(answer, 'detail') }
}

async function countSessions(installation: Awaited<ReturnType<typeof makeChildInstallation>>) {
  const counts = { live: 0, reuse: 0, expired: 0 }
  const listed = (await installation.administer('session', 'list')) as readonly unknown[]
  for (const session of listed) {
    const reason = read(session, 'end_reason')
    if (reason === null) counts.live++
    else if (reason === 'reuse') counts.reuse++
    else counts.expired++
  }
  return counts
}

function read(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
