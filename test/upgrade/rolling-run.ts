import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startChildIssuer } from '../support/child-issuer.ts'
import { password } from '../support/in-process-issuer.ts'
import { serveEnvironment } from '../support/installation.ts'
import { type TokenPair, toPair } from '../support/oauth.ts'
import { isActive, login, refresh } from '../support/requests.ts'
import { buildVersion } from './old-version.ts'

const users = 8
const turns = 25
const audience = 'https://api.example'

/** Serves one database with another version and this one at once, and spreads every session over both. */
async function run(commit: string): Promise<boolean> {
  const version = buildVersion(commit)
  const directory = mkdtempSync(join(tmpdir(), 'mintage-rolling-'))
  const environment = { ...serveEnvironment(directory), MINTAGE_LOG_LEVEL: 'warn' }
  const administer = (args: readonly string[], stdin?: string) => version.run(args, environment, stdin)
  const ends: (() => Promise<unknown>)[] = []
  try {
    await administer(['api', 'create', audience, '--scope', 'orders:read'])
    const grants = ['client_credentials', 'password', 'refresh_token'].flatMap((grant) => ['--grant', grant])
    const created = await administer([
      'client',
      'create',
      '--id',
      'service',
      ...grants,
      '--audience',
      audience,
    ])
    const service = { id: 'service', secret: String(Object(created)['client_secret']) }
    await administer(['user', 'create', 'ada', '--password-stdin'], password)
    const old = await version.serve(environment)
    ends.push(() => old.end())
    const sessions = await Promise.all(Array.from({ length: users }, () => login({ url: old.url, service })))
    const current = await startChildIssuer(['serve'], environment)
    ends.push(() => current.end())
    const urls = [old.url, current.url]
    let refreshed = 0
    let wrong = 0
    const use = async (first: TokenPair, offset: number) => {
      let latest = first
      for (let turn = 0; turn < turns; turn++) {
        const one = { url: urls[(turn + offset) % 2] ?? '', service }
        const other = { url: urls[(turn + offset + 1) % 2] ?? '', service }
        const next = toPair(await refresh(one, latest.refresh_token))
        const again = toPair(await refresh(other, latest.refresh_token))
        const jwks = createRemoteJWKSet(new URL(`${other.url}/.well-known/jwks.json`))
        await jwtVerify(next.access_token, jwks)
        if (again.refresh_token !== next.refresh_token) wrong++
        if ((await isActive(other, next.access_token)) !== true) wrong++
        refreshed++
        latest = next
      }
    }
    const results = await Promise.allSettled(sessions.map(use))
    const lost = results.filter(({ status }) => status === 'rejected')
    for (const each of lost) process.stderr.write(`${each.status === 'rejected' ? each.reason : ''}\n`)
    await old.end()
    const again = await version.serve(environment).then(
      async (server) => {
        await server.end()
        return 'starts'
      },
      (error: Error) =>
        `is refused: ${/newer version of Mintage[^\n]*/.exec(error.message)?.[0] ?? error.message}`,
    )
    process.stdout.write(
      `${version.commit.slice(0, 7)} and this version on one database: ${users} sessions, ${refreshed} refreshes, each ` +
        `retried at the other: ${lost.length} sessions lost, ${wrong} answers that differ.\n` +
        `Started again after the migration, ${version.commit.slice(0, 7)} ${again}\n`,
    )
    return lost.length === 0 && wrong === 0
  } finally {
    await Promise.all(ends.map((end) => end()))
    rmSync(directory, { recursive: true, force: true })
    version.remove()
  }
}

const [commit] = process.argv.slice(2)
if (commit === undefined) {
  process.stderr.write('Usage: npm run upgrade:rolling -- COMMIT\n')
  process.exitCode = 2
} else process.exitCode = (await run(commit)) ? 0 : 1
