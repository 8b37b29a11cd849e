import { getListFromStatusListJWT } from '@sd-jwt/jwt-status-list'
import test, { type ExecutionContext } from 'ava'
import { eventually } from '../support/eventually.ts'
import { openTestIssuer, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { decodeClaims } from '../support/oauth.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'
import { becomesState, present, presentUntil, type Watched, watch } from './kit/verifying.ts'

const revoked = '401 revoked'

/** For all that ends nothing but its own tokens. */
let shared: TestIssuer
test.before(async () => {
  shared = await openTestIssuer()
})
test.after.always(() => shared?.stop())

/** A real issuer, and a verifier that is fresh. */
async function makeScene(
  t: ExecutionContext,
  issuer: TestIssuer = shared,
): Promise<{ issuer: TestIssuer; watched: Watched }> {
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  return { issuer, watched }
}

test('a revoked session, by its refresh token, ends its access tokens and no others', async (t) => {
  const { issuer, watched } = await makeScene(t)
  const [gone, stays] = [await login(issuer), await login(issuer)]
  t.is(await present(watched, gone.access_token, 'orders:read'), 'accepted')
  t.is((await ask(issuer, 'revoke', { token: gone.refresh_token })).status, 200)
  t.is(await presentUntil(watched, gone.access_token, revoked), revoked)
  t.is(await present(watched, stays.access_token), 'accepted')
})

test('a revoked access token ends, and the session gives another', async (t) => {
  const { issuer, watched } = await makeScene(t)
  const pair = await login(issuer)
  t.is((await ask(issuer, 'revoke', { token: pair.access_token })).status, 200)
  t.is(await presentUntil(watched, pair.access_token, revoked), revoked)
  const { body } = await refresh(issuer, pair.refresh_token)
  t.is(await present(watched, String(body['access_token'])), 'accepted')
  const own = await clientToken(issuer)
  t.is(await present(watched, own), 'accepted')
  t.is((await ask(issuer, 'revoke', { token: own })).status, 200)
  t.is(await presentUntil(watched, own, revoked), revoked)
})

test('disabling a user or a client ends their tokens', async (t) => {
  const { issuer, watched } = await makeScene(t, await startTestIssuer(t))
  const [user, client] = [await login(issuer), await clientToken(issuer)]
  t.is(await present(watched, user.access_token), 'accepted')
  t.is(await present(watched, client), 'accepted')
  await issuer.administration.users.disable(issuer.user.username)
  t.is(await presentUntil(watched, user.access_token, revoked), revoked)
  t.is(await present(watched, client), 'accepted')
  await issuer.administration.clients.disable('service')
  t.is(await presentUntil(watched, client, revoked), revoked)
})

test('a withdrawn key ends what it signed, and its successor is known', async (t) => {
  const { issuer, watched } = await makeScene(t, await startTestIssuer(t))
  const token = await clientToken(issuer)
  t.is(await present(watched, token), 'accepted')
  const [header = ''] = token.split('.')
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
  await issuer.administration.keys.revoke(kid)
  t.is(await presentUntil(watched, token, '401 unknown_key'), '401 unknown_key')
  const successor = await eventually(
    () => clientToken(issuer),
    (next) => !next.startsWith(header),
  )
  t.is(await presentUntil(watched, successor, 'accepted'), 'accepted')
})

test('without the stream the same is learned by asking', async (t) => {
  const issuer = shared
  const watched = watch(t, issuer, { revocation: 'poll', pollInterval: 200 })
  await watched.verifier.ready()
  const [gone, stays] = [await login(issuer), await login(issuer)]
  t.is(await present(watched, gone.access_token), 'accepted')
  t.is((await ask(issuer, 'revoke', { token: gone.refresh_token })).status, 200)
  t.is(await presentUntil(watched, gone.access_token, revoked), revoked)
  t.is(await present(watched, stays.access_token), 'accepted')
})

test('a verifier that starts later knows what was revoked before, and reads lists as another implementation does', async (t) => {
  const issuer = shared
  const pairs = [await login(issuer), await login(issuer), await login(issuer)]
  const places = pairs.map(({ access_token }) => {
    const { status } = decodeClaims(access_token) as { status: { status_list: { idx: number; uri: string } } }
    return status.status_list
  })
  await ask(issuer, 'revoke', { token: pairs[1]?.refresh_token ?? '' })
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  const outcomes = await Promise.all(pairs.map(({ access_token }) => present(watched, access_token)))
  t.deepEqual(outcomes, ['accepted', revoked, 'accepted'])
  for (const [at, { idx, uri }] of places.entries()) {
    const token = await (await fetch(uri)).text()
    t.is(getListFromStatusListJWT(token).getStatus(idx), at === 1 ? 1 : 0)
  }
})

test('a verifier with credentials has its place in the stream, and asks about tokens when it is blind', async (t) => {
  const issuer = shared
  const { id, secret } = issuer.service
  const watched = watch(t, issuer, {
    introspection: { clientId: id, clientSecret: secret },
    whenBlind: 'introspect',
    pollInterval: '1h',
  })
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  const pair = await login(issuer)
  watched.clocks.monotonic += 3_600_000
  t.is(watched.verifier.state, 'blind')
  t.is(await present(watched, pair.access_token), 'accepted')
})
