import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { minute, second } from '../../src/lib/durations.ts'
import { startTestIssuer, TestClock, type TestIssuer } from '../support/in-process-issuer.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

test('while the MAC key cannot be read a refresh is 503, and is not lost', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const { refresh_token } = await login(issuer)
  await breakNextMacKey(issuer)
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

test('security 19: an outage of the keys shortens no retry window', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const { refresh_token } = await login(issuer)
  // Its answer gets lost.
  const lost = await refresh(issuer, refresh_token)
  t.is(lost.status, 200)
  await breakNextMacKey(issuer)
  clock.advance(2 * minute)
  for (let n = 0; n < 3; n++) {
    t.is((await refresh(issuer, refresh_token)).status, 503)
    clock.advance(minute)
  }
  await issuer.administration.keys.rotateMac()
  // Nobody asks while the new key waits for its turn, so the client's last question is what counts.
  await new Promise((resolve) => setTimeout(resolve, 500))
  clock.advance(50 * second)
  t.is((await refresh(issuer, refresh_token)).status, 503)
  clock.advance(20 * second)
  const retried = await refresh(issuer, refresh_token)
  t.is(retried.status, 200, retried.text)
  t.is(retried.body['refresh_token'], lost.body['refresh_token'])
})

/** Takes the file of a new MAC key away before the server has read it. */
async function breakNextMacKey(issuer: TestIssuer): Promise<void> {
  const before = new Set(readdirSync(issuer.keysDir))
  await issuer.administration.keys.rotateMac()
  const added = readdirSync(issuer.keysDir).filter((name) => !before.has(name))
  for (const name of added) rmSync(join(issuer.keysDir, name))
  if (added.length !== 1) throw new Error(`${added.length} files were added, not one.`)
  // Until the server has noticed.
  await new Promise((resolve) => setTimeout(resolve, 500))
}
