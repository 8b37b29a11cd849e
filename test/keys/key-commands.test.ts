import { readdir } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { type ChildInstallation, member, startChildInstallation } from '../support/child-installation.ts'
import { eventually } from '../support/eventually.ts'
import { startTestIssuer, TestClock } from '../support/in-process-issuer.ts'
import { basic, type OAuthAnswer, post, type TokenPair, toPair } from '../support/oauth.ts'

const password = 'correct horse battery staple'

/** A server in a process of its own, a client with every grant, and a user. */
interface Scene {
  readonly installation: ChildInstallation
  request(endpoint: 'token' | 'introspect' | 'revoke', form: Record<string, string>): Promise<OAuthAnswer>
  login(): Promise<TokenPair>
  refresh(pair: TokenPair): Promise<OAuthAnswer>
  isActive(token: string): Promise<unknown>
  publishedKids(): Promise<readonly string[]>
}

async function startScene(t: ExecutionContext): Promise<Scene> {
  const installation = await startChildInstallation(t, { environment: { MINTAGE_JWKS_MAX_AGE: '1s' } })
  const { secret } = await installation.prepare(async ({ clients, users }) => {
    await users.create('ada', { password })
    return clients.create('service', false, { grants: ['client_credentials', 'password', 'refresh_token'] })
  })
  const { url } = await installation.serve()
  const client = basic({ id: 'service', secret: secret ?? '' })
  const request: Scene['request'] = (endpoint, form) => post(`${url}/oauth2/${endpoint}`, form, client)
  return {
    installation,
    request,
    login: async () => toPair(await request('token', { grant_type: 'password', username: 'ada', password })),
    refresh: ({ refresh_token }) => request('token', { grant_type: 'refresh_token', refresh_token }),
    isActive: async (token) => (await request('introspect', { token })).body['active'],
    async publishedKids() {
      const response = await fetch(`${url}/.well-known/jwks.json`)
      const { keys } = (await response.json()) as { readonly keys: readonly { readonly kid: string }[] }
      return keys.map(({ kid }) => kid)
    },
  }
}

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid
}

function macIdOf(refreshToken: string): number {
  return Buffer.from(refreshToken.slice('mrt_'.length), 'base64url').readUInt32BE(1)
}

/** Asks for tokens all the time; tells by status what the answers were. */
function askAllTheTime(
  t: ExecutionContext,
  scene: Scene,
): { stop(): Promise<Readonly<Record<number, number>>> } {
  const statuses: Record<number, number> = {}
  let stopped = false
  const loop = async () => {
    while (!stopped) {
      const { status } = await scene.request('token', { grant_type: 'client_credentials' })
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  const loops = Promise.all([loop(), loop(), loop()])
  const stop = async () => {
    stopped = true
    await loops
    return statuses
  }
  t.teardown(stop)
  return { stop }
}

test('`keys revoke KID` takes a leaked key from a running server, which goes on with another', async (t) => {
  const scene = await startScene(t)
  const pair = await scene.login()
  const leaked = kidOf(pair.access_token)
  const before = await scene.publishedKids()
  t.is(before[0], leaked, 'the key that signs comes first')
  t.true(await scene.isActive(pair.access_token))

  const load = askAllTheTime(t, scene)
  await scene.installation.administer('keys', 'revoke', leaked)
  const after = await eventually(scene.publishedKids, (kids) => !kids.includes(leaked))
  const statuses = await load.stop()
  t.deepEqual(Object.keys(statuses), ['200'])

  t.false(after.includes(leaked))
  t.is(after[0], before[1], 'the next key was promoted')
  t.is(after.length, 2)
  t.false((await readdir(scene.installation.keysDir)).includes(`${leaked}.pem`), 'its file is deleted')
  t.false(await scene.isActive(pair.access_token))
  // The session did not leak with the key.
  const renewed = toPair(await scene.refresh(pair))
  t.is(after[0], kidOf(renewed.access_token))
  t.true(await scene.isActive(renewed.access_token))
  const again = await t.throwsAsync(scene.installation.administer('keys', 'revoke', 'invented'))
  t.regex(again?.message ?? '', /ended with 1: mintage: There is no key/)
})

test('every published key can be revoked, one after another, and the server goes on', async (t) => {
  const scene = await startScene(t)
  const seen = new Set<string>()
  for (const position of [1, 0, 1, 0, 0]) {
    const kids = await scene.publishedKids()
    for (const kid of kids) seen.add(kid)
    const revoked = kids[position] ?? ''
    await scene.installation.administer('keys', 'revoke', revoked)
    const after = await eventually(scene.publishedKids, (each) => !each.includes(revoked))
    t.false(after.includes(revoked))
    t.is(after.length, 2)
    const { access_token: token } = await scene.login()
    t.is(after[0], kidOf(token))
    t.true(await scene.isActive(token))
  }
  t.is(seen.size, 6, 'a withdrawn key never comes back')
})

test('a retired key that is revoked takes its tokens with it, and the one that signs goes on', async (t) => {
  const scene = await startScene(t)
  const { access_token: old } = await scene.login()
  const attempt = () => scene.installation.administer('keys', 'rotate').catch((error: unknown) => error)
  const rotated = await eventually(attempt, (answer) => !(answer instanceof Error))
  const current = member(rotated, 'current')
  await eventually(scene.publishedKids, ([first]) => first === current)
  t.true(await scene.isActive(old), 'a rotation takes nothing back')

  const retired = kidOf(old)
  await scene.installation.administer('keys', 'revoke', retired)
  const after = await eventually(scene.publishedKids, (kids) => !kids.includes(retired))
  t.false(after.includes(retired))
  t.is(after[0], current)
  t.false(await scene.isActive(old))
  t.is(kidOf((await scene.login()).access_token), current)
})

test('`keys revoke --all` ends every session and every token, and the server goes on with new keys', async (t) => {
  const scene = await startScene(t)
  const pairs = [await scene.login(), await scene.login()]
  const last = toPair(await scene.refresh(pairs[1] ?? (await scene.login())))
  const before = await scene.publishedKids()

  const load = askAllTheTime(t, scene)
  await scene.installation.administer('keys', 'revoke', '--all')
  // The sessions end with the command, whatever the server still remembers.
  for (const pair of [...pairs, last]) {
    const refused = await scene.refresh(pair)
    t.is(refused.status, 400)
    t.is(refused.body['error'], 'invalid_grant')
  }
  const isNew = (kids: readonly string[]) => !kids.some((kid) => before.includes(kid))
  const after = await eventually(scene.publishedKids, isNew)
  const statuses = await load.stop()
  t.deepEqual(Object.keys(statuses), ['200'])

  t.true(isNew(after))
  t.is(after.length, 2)
  for (const pair of [...pairs, last]) {
    t.is((await scene.refresh(pair)).body['error'], 'invalid_grant')
    t.false(await scene.isActive(pair.access_token))
    t.false(await scene.isActive(pair.refresh_token))
  }
  const files = await readdir(scene.installation.keysDir)
  t.false(files.includes(`mac-${macIdOf(last.refresh_token)}.key`))
  t.false(files.some((file) => before.includes(file.replace('.pem', ''))))
  const renewed = await scene.login()
  t.is(after[0], kidOf(renewed.access_token))
  t.not(macIdOf(renewed.refresh_token), macIdOf(last.refresh_token))
  t.is((await scene.refresh(renewed)).status, 200)
})

test('`keys rotate-mac` breaks no refresh token, and a retry still gives the same successor', async (t) => {
  const scene = await startScene(t)
  const first = await scene.login()
  const untouched = await scene.login()
  const second = toPair(await scene.refresh(first))
  await scene.installation.administer('keys', 'rotate-mac')
  t.is(toPair(await scene.refresh(first)).refresh_token, second.refresh_token)
  t.true(await scene.isActive(second.refresh_token))
  const third = toPair(await scene.refresh(second))
  t.is(toPair(await scene.refresh(second)).refresh_token, third.refresh_token)
  t.is((await scene.refresh(untouched)).status, 200)
})

test('once every process can know a new MAC key it is used, and retries across the change are the same', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock, environment: { MINTAGE_REFRESH_RETRY_WINDOW: '10m' } })
  const send = async (form: Record<string, string>) =>
    toPair(await post(`${issuer.url}/oauth2/token`, form, basic(issuer.service)))
  const login = () => send({ grant_type: 'password', username: 'ada', password })
  const refresh = ({ refresh_token }: TokenPair) => send({ grant_type: 'refresh_token', refresh_token })
  const first = await login()
  const second = await refresh(first)
  const old = macIdOf(second.refresh_token)
  const id = await issuer.administration.keys.rotateMac()
  t.not(id, old)
  t.is(macIdOf((await login()).refresh_token), old, 'another process may not know the new one yet')
  clock.advance(61_000)
  const fresh = await eventually(login, (pair) => macIdOf(pair.refresh_token) === id)
  t.is(macIdOf(fresh.refresh_token), id)

  t.is((await refresh(first)).refresh_token, second.refresh_token)
  const third = await refresh(second)
  t.is(macIdOf(third.refresh_token), id)
  t.is((await refresh(second)).refresh_token, third.refresh_token)
  t.is((await refresh(third)).refresh_token, (await refresh(third)).refresh_token)
})
