import test from 'ava'
import { postJson, startSimpleJwt } from '../../support/django.ts'
import { eventually } from '../../support/eventually.ts'
import { password, startTestIssuer } from '../../support/in-process-issuer.ts'

const credentials = { username: 'ada', password }

test('without a client there are no such endpoints', async (t) => {
  const issuer = await startTestIssuer(t)
  for (const path of ['', 'refresh/', 'verify/', 'blacklist/']) {
    t.is((await postJson(`${issuer.url}/api/token/${path}`, {})).status, 404)
  }
})

test('a client that does not exist is an outage, until somebody makes it', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_SIMPLEJWT_CLIENT: 'web' } })
  const url = `${issuer.url}/api/token/`
  const answer = await postJson(url, credentials)
  t.is(answer.status, 503)
  t.deepEqual(answer.body, { detail: 'Service temporarily unavailable, try again later.' })
  t.is(answer.headers.get('Retry-After'), '1')
  await issuer.administration.clients.create('web', true, { grants: ['password', 'refresh_token'] })
  t.is((await postJson(url, credentials)).status, 200)
})

test('a disabled client is refused on each endpoint', async (t) => {
  const { issuer, post, logIn } = await startSimpleJwt(t)
  const { access, refresh } = await logIn()
  await issuer.administration.clients.disable('web')
  const refused = { detail: 'You do not have permission to perform this action.' }
  const answer = await eventually(
    () => post('', credentials),
    ({ status }) => status === 403,
  )
  t.deepEqual(answer.body, refused)
  for (const [path, body] of [
    ['refresh/', { refresh }],
    ['verify/', { token: access }],
    ['blacklist/', { refresh }],
  ] as const) {
    const { status, body: said } = await post(path, body)
    t.is(status, 403)
    t.deepEqual(said, refused)
  }
})

test('security 6: a client may do what its grants allow', async (t) => {
  const { post } = await startSimpleJwt(t, { client: { grants: ['refresh_token'] } })
  const answer = await post('', credentials)
  t.is(answer.status, 403)
  t.deepEqual(answer.body, { detail: 'You do not have permission to perform this action.' })
})

test('a confidential client works too: whoever asks proves nothing, and can name no other', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_SIMPLEJWT_CLIENT: 'service' } })
  const answer = await postJson(`${issuer.url}/api/token/`, { ...credentials, client_id: 'app', scope: 'x' })
  t.is(answer.status, 200)
})

test('security 17: past the queue for hashing the answer is 503 with Retry-After', async (t) => {
  const { post } = await startSimpleJwt(t, {
    issuer: { environment: { MINTAGE_HASH_QUEUE: '0', MINTAGE_BCRYPT_COST: '10' } },
  })
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('', credentials)))
  const shed = answers.filter(({ status }) => status === 503)
  t.true(shed.length > 0)
  for (const answer of shed) {
    t.deepEqual(answer.body, { detail: 'Service temporarily unavailable, try again later.' })
    t.truthy(answer.headers.get('Retry-After'))
  }
})
