import { readdir } from 'node:fs/promises'
import test from 'ava'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { member, startChildInstallation } from '../support/child-installation.ts'
import { basic, post } from '../support/oauth.ts'

const rounds = 10

test('two servers that start at once on nothing make one ring, and each verifies the tokens of the other', async (t) => {
  for (let round = 1; round <= rounds; round++) {
    const installation = await startChildInstallation(t)
    const servers = await Promise.all([installation.serve(), installation.serve({ port: 'free' })])
    const [first = '', second = ''] = servers.map((server) => server.url)
    const jwks = await Promise.all(
      [first, second].map(async (url) => (await fetch(`${url}/.well-known/jwks.json`)).text()),
    )
    t.is(jwks[0], jwks[1])
    const { keys }: { readonly keys: readonly { readonly kid: string }[] } = JSON.parse(jwks[0] ?? '')
    t.is(keys.length, 2, 'one that signs and the next one')
    const files = await readdir(installation.keysDir)
    t.deepEqual(
      files.filter((file) => file.endsWith('.pem')).sort(),
      keys.map(({ kid }) => `${kid}.pem`).sort(),
    )
    t.is(
      files.filter((file) => /^(mac|audit)-\d+\.key$/.test(file)).length,
      2,
      'one MAC key, one of the audit trail',
    )

    const { secret } = await installation.prepare(({ clients }) =>
      clients.create('service', false, { grants: ['client_credentials'] }),
    )
    const client = basic({ id: 'service', secret: secret ?? '' })
    const ways = [
      [first, second],
      [second, first],
    ] as const
    for (const [issuedBy, verifiedAt] of ways) {
      const answer = await post(`${issuedBy}/oauth2/token`, { grant_type: 'client_credentials' }, client)
      const published = createRemoteJWKSet(new URL(`${verifiedAt}/.well-known/jwks.json`))
      const { payload } = await jwtVerify(member(answer.body, 'access_token'), published, { typ: 'at+jwt' })
      t.is(payload.iss, installation.issuer)
    }
    await installation.remove()
  }
})
