import test from 'ava'
import { openTestIssuer, password, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic, type Form, type OAuthAnswer } from '../support/oauth.ts'
import { ask, login } from '../support/requests.ts'

const oddId = 'team/a.b~c_d-e@f'
let issuer: TestIssuer
let odd: { readonly id: string; readonly secret: string }
test.before(async () => {
  issuer = await openTestIssuer()
  const created = await issuer.administration.clients.create(oddId, false, { grants: ['client_credentials'] })
  odd = { id: oddId, secret: created.secret ?? '' }
})
test.after.always(() => issuer.stop())

const grant = { grant_type: 'client_credentials' }
const nobody: Readonly<Record<string, string>> = {}
const authorization = (text: string, scheme = 'Basic') => ({
  Authorization: `${scheme} ${Buffer.from(text).toString('base64')}`,
})

/** Every character as %XX, which is as good an encoding as any. */
const encodeAll = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

function isChallenged(answer: OAuthAnswer): boolean {
  return (
    answer.status === 401 &&
    answer.body['error'] === 'invalid_client' &&
    /^Basic realm="[^"]+"/.test(answer.headers.get('www-authenticate') ?? '')
  )
}

test('security 4: Basic credentials are form-decoded, however much of them was encoded', async (t) => {
  for (const headers of [
    basic(odd),
    authorization(`${oddId}:${odd.secret}`),
    authorization(`${encodeAll(oddId)}:${encodeAll(odd.secret)}`),
    authorization(`${encodeAll(oddId)}:${encodeAll(odd.secret)}`, 'basic'),
    authorization(`${oddId}:${odd.secret}`, 'BASIC'),
    authorization(`${oddId}:${odd.secret}`, 'bAsIc  '),
  ]) {
    t.is((await ask(issuer, 'token', grant, headers)).status, 200, headers.Authorization)
  }
})

test('security 4: the body carries credentials as well', async (t) => {
  const form = { ...grant, client_id: odd.id, client_secret: odd.secret }
  t.is((await ask(issuer, 'token', form, nobody)).status, 200)
})

const junk = [
  'Basic',
  'Basic ',
  'Basic !',
  'Basic a',
  'Basic ====',
  `Basic ${Buffer.from('no-colon').toString('base64')}`,
  `Basic ${Buffer.from(':secret').toString('base64')}`,
  `Basic ${Buffer.from('service:%').toString('base64')}`,
  `Basic ${Buffer.from('%zz:secret').toString('base64')}`,
  `Basic ${Buffer.from('service:secret').toString('base64')} x`,
  `Basic ${Buffer.from([0xff, 0xfe, 0x3a, 0x41]).toString('base64')}`,
  'Bearer abc',
  'Digest username="service"',
  'x',
]
for (const header of junk) {
  test(`security 4: Authorization ${JSON.stringify(header)} gets 401 and a challenge`, async (t) => {
    for (const endpoint of ['token', 'introspect', 'revoke'] as const) {
      const answer = await ask(issuer, endpoint, { ...grant, token: 'x' }, { Authorization: header })
      t.true(isChallenged(answer), `${endpoint}: ${answer.status} ${answer.text}`)
    }
  })
}

test('security 4: an unknown client, a wrong, a cut and a missing secret get one answer', async (t) => {
  const answers: OAuthAnswer[] = []
  for (const headers of [
    basic({ id: 'nobody', secret: odd.secret }),
    basic({ id: odd.id, secret: issuer.service.secret }),
    basic({ id: odd.id, secret: odd.secret.slice(0, -1) }),
    basic({ id: odd.id, secret: `${odd.secret}=` }),
    basic({ id: odd.id, secret: odd.secret.toLowerCase() }),
    basic({ id: odd.id, secret: '' }),
    basic({ id: odd.id.toUpperCase(), secret: odd.secret }),
    basic({ id: '__proto__', secret: odd.secret }),
  ]) {
    answers.push(await ask(issuer, 'token', grant, headers))
  }
  const bodies: readonly Form[] = [
    grant,
    { ...grant, client_id: odd.id },
    { ...grant, client_id: odd.id, client_secret: 'wrong' },
    { ...grant, client_id: 'nobody', client_secret: 'wrong' },
  ]
  for (const form of bodies) answers.push(await ask(issuer, 'token', form, nobody))
  for (const answer of answers) t.true(isChallenged(answer), answer.text)
  const failed = answers.filter(
    (answer) => answer.body['error_description'] === 'Client authentication failed.',
  )
  t.is(failed.length, answers.length - 1, 'Only the one without any name may say that it is missing.')
})

test('security 4: two ways of client authentication at once are refused, be both right', async (t) => {
  const both = { ...grant, client_id: odd.id, client_secret: odd.secret }
  for (const form of [both, { ...grant, client_secret: odd.secret }, { ...grant, client_secret: 'wrong' }]) {
    const answer = await ask(issuer, 'token', form, basic(odd))
    t.is(answer.status, 400)
    t.is(answer.body['error'], 'invalid_request')
  }
  const other = await ask(issuer, 'token', { ...grant, client_id: 'service' }, basic(odd))
  t.is(other.body['error'], 'invalid_request')
  t.is((await ask(issuer, 'token', { ...grant, client_id: odd.id }, basic(odd))).status, 200)
  const nameless = await ask(issuer, 'token', { ...grant, client_secret: odd.secret }, nobody)
  t.is(nameless.body['error'], 'invalid_request')
})

test('security 5: a confidential client authenticates on every grant and at every endpoint', async (t) => {
  const pair = await login(issuer)
  const forms = [
    { grant_type: 'client_credentials' },
    { grant_type: 'password', username: 'ada', password },
    { grant_type: 'refresh_token', refresh_token: pair.refresh_token },
    { grant_type: 'unknown' },
  ]
  for (const form of forms) {
    t.true(isChallenged(await ask(issuer, 'token', { ...form, client_id: 'service' }, nobody)))
    t.true(isChallenged(await ask(issuer, 'token', form, nobody)))
  }
  for (const endpoint of ['introspect', 'revoke'] as const) {
    const form = { token: pair.access_token, client_id: 'service' }
    t.true(isChallenged(await ask(issuer, endpoint, form, nobody)))
  }
  const good = await ask(issuer, 'token', { grant_type: 'refresh_token', refresh_token: pair.refresh_token })
  t.is(good.status, 200, 'The attempts without authentication redeemed nothing.')
})

test('security 5: a public client that sends a secret is refused', async (t) => {
  const form = { grant_type: 'password', username: 'ada', password }
  t.true(isChallenged(await ask(issuer, 'token', { ...form, client_id: 'app', client_secret: 'x' }, nobody)))
  t.true(isChallenged(await ask(issuer, 'token', form, basic({ id: 'app', secret: 'x' }))))
  t.is((await ask(issuer, 'token', { ...form, client_id: 'app' }, nobody)).status, 200)
  t.is((await ask(issuer, 'token', form, authorization('app:'))).status, 200)
})

test('security 6: a grant outside the list is unauthorized_client, on every grant alike', async (t) => {
  const { refresh_token } = await login(issuer)
  const forms = {
    client_credentials: { grant_type: 'client_credentials' },
    password: { grant_type: 'password', username: 'ada', password },
    refresh_token: { grant_type: 'refresh_token', refresh_token },
  } as const
  const grants = ['client_credentials', 'password', 'refresh_token'] as const
  for (const missing of grants) {
    const id = `without-${missing}`
    const rest = grants.filter((each) => each !== missing)
    const { secret } = await issuer.administration.clients.create(id, false, { grants: rest })
    const headers = basic({ id, secret: secret ?? '' })
    const answers = [await ask(issuer, 'token', forms[missing], headers)]
    // Neither what else is wrong with the request nor the lack of it shows through.
    answers.push(
      await ask(issuer, 'token', { ...forms[missing], scope: 'unknown', resource: 'x:y' }, headers),
    )
    answers.push(await ask(issuer, 'token', { grant_type: missing }, headers))
    for (const answer of answers) {
      t.is(answer.status, 400)
      t.is(answer.body['error'], 'unauthorized_client')
    }
  }
})
