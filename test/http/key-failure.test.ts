import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { DirectoryVault } from '../../src/keys/directory-vault.ts'
import { VaultError } from '../../src/keys/vault.ts'
import { minute, second } from '../../src/lib/durations.ts'
import { eventually } from '../support/eventually.ts'
import { startTestIssuer, TestClock, type TestIssuer } from '../support/in-process-issuer.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

test.serial('while the MAC key cannot be read a refresh is 503, and is not lost', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const { refresh_token } = await login(issuer)
  await breakNextMacKey(issuer)
  // From then on new refresh tokens would get the key that is not there.
  clock.advance(2 * minute)
  t.is(await readiness(issuer, 503), 503)

  const answer = await refresh(issuer, refresh_token)
  t.is(answer.status, 503, answer.text)
  t.regex(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  t.truthy(await clientToken(issuer))
  t.is((await ask(issuer, 'introspect', { token: refresh_token })).body['active'], true)

  await issuer.administration.keys.rotateMac()
  clock.advance(2 * minute)
  t.is(await readiness(issuer, 200), 200)
  t.is((await refresh(issuer, refresh_token)).status, 200)
})

test.serial('security 19: an outage of the keys shortens no retry window', async (t) => {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock })
  const { refresh_token } = await login(issuer)
  // Its answer gets lost.
  const lost = await refresh(issuer, refresh_token)
  t.is(lost.status, 200)
  await breakNextMacKey(issuer)
  clock.advance(2 * minute)
  t.is(await readiness(issuer, 503), 503)
  for (let n = 0; n < 3; n++) {
    t.is((await refresh(issuer, refresh_token)).status, 503)
    clock.advance(minute)
  }
  await issuer.administration.keys.rotateMac()
  // Nobody asks while the new key waits for its turn, so the client's last question is what counts.
  clock.advance(50 * second)
  t.is((await refresh(issuer, refresh_token)).status, 503)
  clock.advance(20 * second)
  const retried = await eventually(
    () => refresh(issuer, refresh_token),
    ({ status }) => status === 200,
  )
  t.is(retried.status, 200, retried.text)
  t.is(retried.body['refresh_token'], lost.body['refresh_token'])
})

function readiness(issuer: TestIssuer, wished: number): Promise<number> {
  return eventually(
    async () => (await fetch(`${issuer.url}/readyz`)).status,
    (status) => status === wished,
  )
}

/** Rotates to a MAC key whose file nobody can read, and waits until the server has tried. */
async function breakNextMacKey(issuer: TestIssuer): Promise<void> {
  const load = DirectoryVault.prototype.load
  let tried = 0
  // Taking the file away afterwards would race against the server, which reads it as soon as the ring names it.
  DirectoryVault.prototype.load = async (name) => {
    tried++
    throw new VaultError('missing', `${name.kind} is not there.`)
  }
  try {
    const before = new Set(readdirSync(issuer.keysDir))
    await issuer.administration.keys.rotateMac()
    await eventually(
      async () => tried,
      (times) => times > 0,
    )
    for (const name of readdirSync(issuer.keysDir)) if (!before.has(name)) rmSync(join(issuer.keysDir, name))
  } finally {
    DirectoryVault.prototype.load = load
  }
}
