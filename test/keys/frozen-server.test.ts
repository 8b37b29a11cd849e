import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import jwt from 'jsonwebtoken'
import { member, startChildInstallation } from '../support/child-installation.ts'
import { eventually } from '../support/eventually.ts'
import { basic, post } from '../support/oauth.ts'

test('a server that stood still for a while does not publish old keys when it goes on (row 26)', async (t) => {
  const installation = await startChildInstallation(t, {
    environment: { MINTAGE_KEY_ROTATION: '1s', MINTAGE_JWKS_MAX_AGE: '1s' },
  })
  const { secret } = await installation.prepare(({ clients }) =>
    clients.create('service', false, { grants: ['client_credentials'] }),
  )
  const [server, frozen] = [await installation.serve(), await installation.serve({ port: 'free' })]
  const publishedByFrozen = async () => {
    const response = await fetch(`${frozen.url}/.well-known/jwks.json`)
    const { keys } = (await response.json()) as { readonly keys: readonly { readonly kid: string }[] }
    return keys.map(({ kid }) => kid)
  }
  const issue = async () => {
    const client = basic({ id: 'service', secret: secret ?? '' })
    const answer = await post(`${server.url}/oauth2/token`, { grant_type: 'client_credentials' }, client)
    return jwt.decode(member(answer.body, 'access_token'), { complete: true })?.header.kid ?? ''
  }

  const before = await publishedByFrozen()
  frozen.process.kill('SIGSTOP')
  try {
    const kid = await eventually(issue, (each) => !before.includes(each))
    t.false(before.includes(kid), 'the other server signs with a key that the frozen one has never seen')
    const asked = publishedByFrozen()
    await sleep(200)
    frozen.process.kill('SIGCONT')
    const after = await asked
    t.true(after.includes(kid), 'whoever keeps this answer can verify what is signed now')
  } finally {
    frozen.process.kill('SIGCONT')
  }
})
