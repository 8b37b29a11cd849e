import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { minute } from '../../src/lib/durations.ts'
import { startTestIssuer, TestClock } from '../support/in-process-issuer.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

test('while the MAC key cannot be read a refresh is 503, and is not lost', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const { refresh_token } = await login(issuer)
  const before = new Set(readdirSync(issuer.keysDir))
  await issuer.administration.keys.rotateMac()
  // Before the server has noticed and read it.
  const added = readdirSync(issuer.keysDir).filter((name) => !before.has(name))
  for (const name of added) rmSync(join(issuer.keysDir, name))
  t.is(added.length, 1)
  await new Promise((resolve) => setTimeout(resolve, 500))
  // From then on new refresh tokens would get the key that is not there.
  clock.advance(2 * minute)

  const answer = await refresh(issuer, refresh_token)
  t.is(answer.status, 503, answer.text)
  t.regex(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  t.is((await fetch(`${issuer.url}/readyz`)).status, 503)
  t.truthy(await clientToken(issuer))
  t.is((await ask(issuer, 'introspect', { token: refresh_token })).body['active'], true)

  await issuer.administration.keys.rotateMac()
  clock.advance(2 * minute)
  for (let n = 0; n < 200 && (await fetch(`${issuer.url}/readyz`)).status !== 200; n++) {
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  t.is((await refresh(issuer, refresh_token)).status, 200)
})
