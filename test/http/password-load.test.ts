import test from 'ava'
import { password, startTestIssuer } from '../support/in-process-issuer.ts'
import { ask } from '../support/requests.ts'

test('security 17: past its queue a login is 503 with Retry-After, and those in it are served', async (t) => {
  const issuer = await startTestIssuer(t, {
    environment: { MINTAGE_BCRYPT_COST: '12', MINTAGE_HASH_THREADS: '1', MINTAGE_HASH_QUEUE: '2' },
  })
  const form = { grant_type: 'password', username: 'ada', password }
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask(issuer, 'token', form)))
  const served = answers.filter(({ status }) => status === 200)
  const turnedAway = answers.filter(({ status }) => status === 503)
  t.is(served.length + turnedAway.length, 12)
  t.true(served.length >= 3, 'One is hashed and two wait.')
  t.true(turnedAway.length > 0)
  for (const { headers, body, text } of turnedAway) {
    t.regex(headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    t.is(headers.get('cache-control'), 'no-store')
    t.is(body['error'], 'temporarily_unavailable')
    t.notRegex(text, /thread|queue|hash/i)
  }
  t.is((await ask(issuer, 'token', form)).status, 200, 'It recovers.')
})

test('security 17: the event loop answers while passwords are hashed', async (t) => {
  const issuer = await startTestIssuer(t, {
    environment: { MINTAGE_BCRYPT_COST: '13', MINTAGE_HASH_THREADS: '1' },
  })
  let pending = true
  const form = { grant_type: 'password', username: 'nobody', password }
  const logins = Promise.all([1, 2].map(() => ask(issuer, 'token', form))).finally(() => {
    pending = false
  })
  for (const path of ['/.well-known/jwks.json', '/livez', '/readyz']) {
    t.is((await fetch(`${issuer.url}${path}`)).status, 200)
  }
  t.is((await ask(issuer, 'token', { grant_type: 'client_credentials' })).status, 200)
  t.true(pending, 'All this was answered before the logins were.')
  for (const { status } of await logins) t.is(status, 400)
})
