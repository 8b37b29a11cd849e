import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startChildInstallation } from '../support/child-installation.ts'
import { executable, inModules } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import type { LoadedCode } from '../support/preload-listing.ts'

const preload = new URL('../support/preload-listing.js', import.meta.url).href

/** What `mintage serve` has loaded when it has given its first token. */
async function listLoaded(t: ExecutionContext, environment: Readonly<Record<string, string>> = {}) {
  const { administer, serve } = await startChildInstallation(t)
  await administer('api', 'create', 'https://api.example', '--scope', 'read')
  const client = ['client', 'create', '--id', 'service', '--grant', 'client_credentials', '--json'] as const
  const { client_secret } = (await administer(...client)) as { readonly client_secret: string }
  const child = await serve({ environment: { ...environment, NODE_OPTIONS: `--import ${preload}` } })
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'service',
    client_secret,
  })
  // As nearly every client sends it; `fetch` would name a charset, too.
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(`${child.url}/oauth2/token`, { method: 'POST', headers, body: String(body) })
  t.is(answer.status, 200)
  child.process.kill('SIGUSR2')
  const findLine = async () => /^\{"loaded".*\n/m.exec(child.output())?.[0]
  const line = await eventually(findLine, (found) => found !== undefined)
  const { loaded } = JSON.parse(line ?? '{"loaded":[]}') as { readonly loaded: readonly LoadedCode[] }
  // What has no name was made up by V8 or Node, and read from nowhere.
  const named = loaded.filter(({ url }) => url !== '' && !url.includes('preload-listing'))
  return {
    own: named.filter(({ url }) => !url.startsWith('node:')),
    builtIn: named.filter(({ url }) => url.startsWith('node:')).map(({ url }) => url),
  }
}

test('a server loads few files until its first token, and nothing that a token does not need', async (t) => {
  const { own, builtIn } = await listLoaded(t)
  const megabytes = own.reduce((sum, { length }) => sum + length, 0) / 1_000_000
  const list = own.map(({ url, length }) => `${length} ${url}`).join('\n')
  t.log(`${own.length} files, ${megabytes.toFixed(2)} MB`)
  // All of it is found, read and parsed at every start: whoever needs more should load it when it is needed.
  t.true(own.length >= 5 && own.length <= 70, list)
  t.true(megabytes > 1 && megabytes < 2, list)
  t.true(builtIn.includes('node:http'))
  // The HTTP client behind `fetch`, a twentieth of the start. From Node 22 on whoever imports node:http has loaded it.
  if (Number(process.versions.node.split('.')[0]) < 22) {
    t.false(builtIn.some((url) => url.includes('undici')))
  }
})

test('module by module a server loads none of what hashes, measures or administers', async (t) => {
  const { own } = await listLoaded(t, inModules)
  const absent =
    /node_modules\/(?:iconv-lite|piscina|prom-client|pg|jose|@zxcvbn-ts|@opentelemetry)\/|\/src\/admin\/administration/
  const isThere = (part: string) => own.some(({ url }) => url.includes(part))
  t.true(isThere('node_modules/koa/') && isThere('dist/src/compose.js'))
  t.deepEqual(
    own.map(({ url }) => url).filter((url) => absent.test(url)),
    [],
  )
})

test('the executable names the licences of the code in it, and can be read back to the sources', (t) => {
  const directory = dirname(executable)
  const licences = readFileSync(join(directory, 'THIRD-PARTY-LICENCES.txt'), 'utf8')
  for (const name of ['koa', 'knex', 'zod', 'pino', '@koa/router']) {
    t.regex(licences, new RegExp(`^${name} [\\d.]+ \\(MIT\\)$`, 'm'))
  }
  t.true(
    JSON.parse(readFileSync(`${executable}.map`, 'utf8')).sources.includes('../../../src/cli/program.ts'),
  )
  t.true(statSync(join(directory, 'hash-worker.js')).isFile())
})
