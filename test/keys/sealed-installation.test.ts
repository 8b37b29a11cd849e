import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { examine } from '../../src/admin/doctor/examination.ts'
import { openInstallation } from '../../src/compose/installation.ts'
import { startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import { openStore } from '../../src/store/store.ts'
import { type ChildInstallation, member, startChildInstallation } from '../support/child-installation.ts'
import { runMintage } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { basic, post } from '../support/oauth.ts'

const makeKey = () => randomBytes(32).toString('base64url')

/** An installation whose commands have the key, and a directory of its own for each node's mark. */
async function startSealed(t: ExecutionContext, vaultKey = makeKey()) {
  const states = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  t.teardown(() => rmSync(states, { recursive: true, force: true }))
  const stateOf = (node: string) => ({ MINTAGE_STATE_DIR: join(states, node) })
  const installation = await startChildInstallation(t, {
    environment: { MINTAGE_VAULT_KEY: vaultKey, ...stateOf('commands') },
  })
  const client = async () => {
    const { secret } = await installation.prepare(({ clients }) =>
      clients.create('service', false, { grants: ['client_credentials'] }),
    )
    return basic({ id: 'service', secret: secret ?? '' })
  }
  const database = `sqlite:${join(installation.directory, 'mintage.db')}`
  return { installation, vaultKey, stateOf, client, database }
}

/** The environment of a command on the installation that has nothing to do with its vault key. */
const bare = ({ directory, keysDir }: ChildInstallation) => ({
  MINTAGE_ISSUER: 'https://issuer.example',
  MINTAGE_PORT: '0',
  MINTAGE_ADMIN_PORT: 'off',
  MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'mintage.db')}`,
  MINTAGE_KEYS_DIR: keysDir,
})

async function readRows(database: string) {
  const store = await openStore({ url: database })
  try {
    return { rows: await store.secrets.all(), ring: await store.keys.read() }
  } finally {
    await store.close()
  }
}

const token = async (url: string, client: Readonly<Record<string, string>>) =>
  member(
    (await post(`${url}/oauth2/token`, { grant_type: 'client_credentials' }, client)).body,
    'access_token',
  )

const kidOf = (jwt: string): string =>
  JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()).kid

const verifyAt = (url: string, jwt: string) =>
  jwtVerify(jwt, createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`)), { typ: 'at+jwt' })

test('with a vault key the keys lie sealed in the database, for every node and every command', async (t) => {
  const { installation, stateOf, client, database, vaultKey } = await startSealed(t)
  const [a, b] = await Promise.all([
    installation.serve({ environment: stateOf('a') }),
    installation.serve({ port: 'free', environment: stateOf('b') }),
  ])
  const service = await client()
  const first = await token(a.url, service)
  t.is(kidOf(await token(b.url, service)), kidOf(first))
  await verifyAt(b.url, first)
  t.false(existsSync(installation.keysDir), 'no directory of keys is made')
  const { rows, ring } = await readRows(database)
  const names = [
    ...ring.macKeys.map(({ id }) => `mac-key/${id}`),
    ...ring.keys.map(({ kid }) => `signing-key/${kid}`),
  ]
  t.is(names.length, 3)
  const isOfRing = (name: string) => !name.startsWith('audit-key/')
  t.deepEqual(rows.map(({ name }) => name).filter(isOfRing), names.sort())
  t.is(rows.length, 4, 'the losers of the first start have left nothing')

  const { current: _, ...exported } = Object(await installation.administer('keys', 'export', '--private'))
  const [, secret = ''] = /PRIVATE KEY-----\n(\S+)/.exec(member(exported, 'pem')) ?? []
  t.true(secret.length > 60)
  for (const file of readdirSync(installation.directory)) {
    const bytes = readFileSync(join(installation.directory, file))
    for (const plain of ['PRIVATE KEY', secret, vaultKey, Buffer.from(vaultKey, 'base64url')]) {
      t.false(bytes.includes(plain), file)
    }
  }

  // What node A learns of by a command, the subscribers of node B are told.
  const leave = new AbortController()
  const stream = await fetch(`${b.url}/status-lists/events`, { signal: leave.signal })
  let heard = ''
  const listening = (async () => {
    for await (const chunk of stream.body ?? []) heard += Buffer.from(chunk).toString()
  })().catch(() => undefined)
  await installation.administer('keys', 'revoke', kidOf(first))
  await eventually(
    async () => heard,
    (text) => text.includes(kidOf(first)),
  )
  leave.abort()
  await listening
  for (const [from, at] of [
    [a, b],
    [b, a],
  ] as const) {
    const fresh = await eventually(
      () => token(from.url, service),
      (jwt) => kidOf(jwt) !== kidOf(first),
    )
    await verifyAt(at.url, fresh)
  }
  t.false(
    (await readRows(database)).rows.some(({ name }) => name.endsWith(kidOf(first))),
    'its row is deleted',
  )

  t.like(await installation.administer('audit', 'verify'), { intact: true })
  const backup = await runMintage(['backup', join(installation.directory, 'copy.db')], {
    ...bare(installation),
    MINTAGE_VAULT_KEY: vaultKey,
  })
  t.regex(backup.stderr, /the vault key .*MINTAGE_VAULT_KEY/)
  t.notRegex(backup.stderr, /the private keys: /)
  for (const said of [a.output(), b.output(), backup.stderr]) t.false(said.includes(vaultKey))
})

/** What a start, and what commands that make keys, say with these settings. */
async function refusals(environment: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const config = readConfig({ ...environment, MINTAGE_LOG_LEVEL: 'silent' })
  const said: string[] = []
  const hear = (doing: Promise<unknown>) =>
    doing.then(
      () => said.push('It was done.'),
      (error: Error) => said.push(error.message),
    )
  await hear(startIssuer({ config }).then((running) => running.stop('not refused')))
  const { administration, close } = await openInstallation(config, { onProblem: () => undefined })
  await hear(administration.keys.rotateMac())
  await hear(administration.keys.revokeAll())
  await hear(administration.auditSeal.rotateKey())
  await close()
  const secretFiles: readonly never[] = []
  for (const { check, status, message } of await examine({ ...config, issuer: undefined, secretFiles })) {
    if (check === 'keys' && status === 'failure') said.push(message)
  }
  return said
}

test('row 28: a start whose keys lie elsewhere, or under another vault key, is refused and makes none', async (t) => {
  const { installation, database, vaultKey } = await startSealed(t)
  t.is(await installation.serve().then((server) => server.end()), 0)
  const before = await readRows(database)
  const other = makeKey()
  for (const [environment, complaint] of [
    [{}, /sealed in the database under the vault key \S+, and do not lie in .*: set MINTAGE_VAULT_KEY\.$/],
    [
      { MINTAGE_VAULT_KEY: other },
      /sealed under the vault key \S+, and MINTAGE_VAULT_KEY is \S+: set the key/,
    ],
    [
      { MINTAGE_VAULT_KEY: other, MINTAGE_VAULT_KEY_PREVIOUS: makeKey() },
      /MINTAGE_VAULT_KEY is \S+ and MINTAGE_VAULT_KEY_PREVIOUS \S+: set the key/,
    ],
  ] as const) {
    const said = await refusals({ ...bare(installation), ...environment })
    t.is(said.length, 5)
    for (const each of said) {
      t.regex(each, complaint)
      t.false(each.includes(other) || each.includes(vaultKey))
    }
  }
  const { code, stderr } = await runMintage(['serve'], { ...bare(installation), MINTAGE_VAULT_KEY: other })
  t.is(code, 1)
  t.regex(stderr, /^mintage: The keys of this installation are sealed under /)
  t.deepEqual(await readRows(database), before)
  t.false(
    existsSync(installation.keysDir) &&
      readdirSync(installation.keysDir).some((file) => /pem|key$/.test(file)),
  )
})

test('row 28: a start with a vault key on keys that lie in a directory is refused and makes none', async (t) => {
  const installation = await startChildInstallation(t)
  t.is(await installation.serve().then((server) => server.end()), 0)
  const files = readdirSync(installation.keysDir)
  const said = await refusals({ ...bare(installation), MINTAGE_VAULT_KEY: makeKey() })
  t.is(said.length, 5)
  for (const each of said) {
    t.regex(
      each,
      /lie in a directory, not in the database: unset MINTAGE_VAULT_KEY, or move them with `mintage keys move --to database`/,
    )
  }
  t.deepEqual(readdirSync(installation.keysDir), files)
  t.deepEqual((await readRows(bare(installation).MINTAGE_DATABASE_URL)).rows, [])
})

test('the vault key is changed node by node, with no request refused, and then opens nothing any more', async (t) => {
  const { installation, vaultKey, stateOf, client } = await startSealed(t)
  const next = makeKey()
  const both = { MINTAGE_VAULT_KEY: next, MINTAGE_VAULT_KEY_PREVIOUS: vaultKey }
  const a = await installation.serve({ environment: stateOf('a') })
  const service = await client()
  const b = await installation.serve({ port: 'free', environment: { ...stateOf('b'), ...both } })
  // The first node knows the old key only, and opens what the second one makes.
  const command = (...args: readonly string[]) =>
    runMintage([...args, '--json'], { ...bare(installation), ...stateOf('commands'), ...both })
  const leaked = kidOf(await token(a.url, service))
  t.is((await command('keys', 'revoke', leaked)).code, 0)
  const anew = await eventually(
    () => token(a.url, service),
    (jwt) => kidOf(jwt) !== leaked,
  )
  await verifyAt(b.url, anew)
  t.is(await a.end(), 0)
  const a2 = await installation.serve({ environment: { ...stateOf('a'), ...both } })
  const { code, stdout } = await command('keys', 'reseal')
  t.is(code, 0)
  t.deepEqual(JSON.parse(stdout), { resealed: 4 })
  // With the new key alone.
  t.is(await b.end(), 0)
  const b2 = await installation.serve({
    port: 'free',
    environment: { ...stateOf('b'), MINTAGE_VAULT_KEY: next },
  })
  await verifyAt(a2.url, await token(b2.url, service))
  const refused = await runMintage(['serve'], { ...bare(installation), MINTAGE_VAULT_KEY: vaultKey })
  t.is(refused.code, 1)
  t.regex(refused.stderr, /sealed under the vault key/)
})

test('keys move into the database and back while a server runs, and their tokens go on', async (t) => {
  const installation = await startChildInstallation(t)
  const { secret } = await installation.prepare(({ clients }) =>
    clients.create('service', false, { grants: ['client_credentials'] }),
  )
  const service = basic({ id: 'service', secret: secret ?? '' })
  const running = await installation.serve()
  const kid = kidOf(await token(running.url, service))
  const sealed = { ...bare(installation), MINTAGE_VAULT_KEY: makeKey() }
  const move = async (to: string) => {
    const { code, stdout, stderr } = await runMintage(['keys', 'move', '--to', to, '--json'], sealed)
    t.is(code, 0, stderr)
    return JSON.parse(stdout)
  }
  const keyFiles = () => readdirSync(installation.keysDir).filter((file) => /\.(pem|key)$/.test(file))
  const before = keyFiles()
  t.is(before.length, 4)
  t.deepEqual(await move('database'), { moved: 4, to: 'database' })
  t.deepEqual(await move('database'), { moved: 0, to: 'database' })
  t.deepEqual(keyFiles(), [])
  // The server that has not heard of it signs with what it has loaded.
  t.is(kidOf(await token(running.url, service)), kid)
  t.is(await running.end(), 0)
  const moved = await installation.serve({ environment: { MINTAGE_VAULT_KEY: sealed.MINTAGE_VAULT_KEY } })
  t.is(kidOf(await token(moved.url, service)), kid)
  t.deepEqual(await move('directory'), { moved: 4, to: 'directory' })
  t.deepEqual(await move('directory'), { moved: 0, to: 'directory' })
  t.deepEqual(keyFiles(), before)
  t.is(await moved.end(), 0)
  const back = await installation.serve()
  t.is(kidOf(await token(back.url, service)), kid)
  t.like(await installation.administer('audit', 'verify'), { intact: true })
})

test('a vault key that is lost costs the keys and the sessions, and not the installation', async (t) => {
  const { installation } = await startSealed(t)
  t.is(await installation.serve().then((server) => server.end()), 0)
  const found = { ...bare(installation), MINTAGE_VAULT_KEY: makeKey() }
  t.is((await runMintage(['keys', 'revoke', '--all'], found)).code, 1)
  t.is((await runMintage(['keys', 'revoke', 'x', '--lost-vault-key'], found)).code, 2)
  const { code, stderr } = await runMintage(['keys', 'revoke', '--all', '--lost-vault-key'], found)
  t.is(code, 0, stderr)
  const healthy = await runMintage(['keys', 'revoke', '--all', '--lost-vault-key'], found)
  t.is(healthy.code, 1)
  t.regex(healthy.stderr, /is not lost/)
  const server = await installation.serve({ environment: { MINTAGE_VAULT_KEY: found.MINTAGE_VAULT_KEY } })
  t.is((await fetch(`${server.url}/readyz`)).status, 200)
})

test('a command without the vault key, or with another one, changes nothing; one that only reads goes on', async (t) => {
  const { installation, vaultKey, database } = await startSealed(t)
  await (await installation.serve()).end()
  const change = ['api', 'create', 'https://intruder.example']
  const directory = bare(installation)
  const without = await runMintage(change, directory)
  t.is(without.code, 1, without.stdout)
  t.regex(without.stderr, /sealed in the database .*set MINTAGE_VAULT_KEY/)
  const wrong = await runMintage(change, { ...directory, MINTAGE_VAULT_KEY: makeKey() })
  t.is(wrong.code, 1, wrong.stdout)
  t.regex(wrong.stderr, /sealed under the vault key/)
  const listed = await runMintage(['api', 'list', '--json'], directory)
  t.is(listed.code, 0, listed.stderr)
  t.notRegex(listed.stdout, /intruder/)
  const right = { ...directory, MINTAGE_VAULT_KEY: vaultKey }
  t.is((await runMintage(change, right)).code, 0)
  const verified = await runMintage(['audit', 'verify'], right)
  t.is(verified.code, 0, verified.stdout)
  t.true((await readRows(database)).rows.length > 0)
})
