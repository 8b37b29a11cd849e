import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import jwt from 'jsonwebtoken'
import { JwksClient } from 'jwks-rsa'
import { type ChildInstallation, member, startChildInstallation } from '../support/child-installation.ts'
import { type ChildService, startExample } from '../support/child-service.ts'
import { eventually } from '../support/eventually.ts'
import { basic, decodeClaims, post } from '../support/oauth.ts'

const audience = 'https://api.example'
const otherAudience = 'https://other.example'

/** An issuer with two APIs whose keys may be cached for a second, and the example as the service of one. */
interface Scene {
  readonly installation: ChildInstallation
  readonly service: ChildService
  readonly stopIssuer: () => Promise<unknown>
  issue(resource?: string): Promise<string>
}

async function startScene(
  t: ExecutionContext,
  settings: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const installation = await startChildInstallation(t, {
    environment: { MINTAGE_JWKS_MAX_AGE: '1s', ...settings },
  })
  const { secret } = await installation.prepare(async ({ apis, clients }) => {
    for (const each of [audience, otherAudience]) await apis.create(each, { scopes: ['orders:read'] })
    return clients.create('service', false, { grants: ['client_credentials'] })
  })
  const client = { id: 'service', secret: secret ?? '' }
  const server = await installation.serve()
  const service = await startExample(t, {
    ISSUER: installation.issuer,
    AUDIENCE: audience,
    JWKS_MAX_AGE: '1',
  })
  return {
    installation,
    service,
    stopIssuer: () => server.end(),
    async issue(resource = audience) {
      const form = { grant_type: 'client_credentials', resource }
      const answer = await post(`${installation.issuer}/oauth2/token`, form, basic(client))
      return member(answer.body, 'access_token')
    },
  }
}

function kidOf(token: string): string {
  return jwt.decode(token, { complete: true })?.header.kid ?? ''
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/** `keys rotate`, as soon as every cache can know the next key. */
async function rotate(installation: ChildInstallation): Promise<string> {
  const attempt = () => installation.administer('keys', 'rotate').catch((error: unknown) => error)
  return member(await eventually(attempt, (answer) => !(answer instanceof Error)), 'current')
}

/** A token of the key that the server signs with by now. */
function issueUnder(scene: Scene, kid: string): Promise<string> {
  return eventually(
    () => scene.issue(),
    (token) => kidOf(token) === kid,
  )
}

test('a service with jsonwebtoken and jwks-rsa accepts a good token and nothing else (rows 29, 30)', async (t) => {
  const scene = await startScene(t)
  const { installation, service } = scene
  const good = await scene.issue()
  const response = await service.request({ Authorization: `Bearer ${good}` })
  t.is(response.status, 200)
  t.deepEqual(await response.json(), { sub: 'service', scope: 'orders:read' })

  const kid = kidOf(good)
  const claims = decodeClaims(good)
  const [header = '', payload = '', signature = ''] = good.split('.')
  const exportKey = async (...options: string[]) =>
    member(await installation.administer('keys', 'export', kid, '--pem', ...options), 'pem')
  const privateKey = await exportKey('--private')
  const publicKey = await exportKey()
  const now = Math.floor(Date.now() / 1_000)
  /** Signed with the issuer's own key, so that nothing but the change can be what is refused. */
  const sign = (changes: object, typ = 'at+jwt') =>
    jwt.sign({ ...claims, ...changes }, privateKey, {
      algorithm: 'RS256',
      header: { alg: 'RS256', typ, kid },
    })
  t.is(await service.present(sign({})), 200, 'the forge makes good tokens')
  t.is(await service.present(sign({ exp: now - 5 })), 200, 'clocks may disagree a little')

  const flipped = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
  const { exp: _, ...endless } = claims
  const refused: Readonly<Record<string, string>> = {
    'another API': await scene.issue(otherAudience),
    'a changed payload': `${header}.${encode({ ...claims, scope: 'orders:write' })}.${signature}`,
    'a changed signature': `${header}.${payload}.${flipped(signature)}`,
    'no signature': `${header}.${payload}.`,
    expired: sign({ exp: now - 31 }),
    'no expiry': jwt.sign(endless, privateKey, {
      algorithm: 'RS256',
      header: { alg: 'RS256', typ: 'at+jwt', kid },
    }),
    'not yet valid': sign({ nbf: now + 60 }),
    'another issuer': sign({ iss: `${installation.issuer}/` }),
    'no audience': sign({ aud: [] }),
    'an ID token': sign({}, 'JWT'),
    'alg none': `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
    'HS256 with the public key': signHmac(claims, publicKey, kid),
    'no kid': jwt.sign(claims, privateKey, { algorithm: 'RS256', header: { alg: 'RS256', typ: 'at+jwt' } }),
    'an unknown kid': sign({}).replace(/^[^.]+/, encode({ alg: 'RS256', typ: 'at+jwt', kid: 'invented' })),
    'a kid of Object.prototype': `${encode({ alg: 'RS256', typ: 'at+jwt', kid: '__proto__' })}.${payload}.${signature}`,
    'no token at all': 'nonsense',
  }
  for (const [what, token] of Object.entries(refused)) t.is(await service.present(token), 401, what)
  t.is((await service.request({})).headers.get('WWW-Authenticate'), 'Bearer')
})

test('a service refuses the tokens of another Mintage, whatever they say (rows 29, 30)', async (t) => {
  const [scene, foreign] = await Promise.all([startScene(t), startScene(t)])
  const theirs = await foreign.issue()
  t.is(await foreign.service.present(theirs), 200)
  t.is(await scene.service.present(theirs), 401)
  const ours = await scene.issue()
  const pem = await foreign.installation.administer('keys', 'export', '--pem', '--private')
  for (const kid of [kidOf(ours), kidOf(theirs)]) {
    const header = { alg: 'RS256', typ: 'at+jwt', kid } as const
    const forged = jwt.sign(decodeClaims(ours), member(pem, 'pem'), { algorithm: 'RS256', header })
    t.is(await scene.service.present(forged), 401, kid)
  }
})

test('a service goes on while the issuer is stopped, long after its cache is over (row 34)', async (t) => {
  const scene = await startScene(t)
  const token = await scene.issue()
  t.is(await scene.service.present(token), 200)
  await scene.stopIssuer()
  await sleep(1_500)
  const statuses = new Set<number>()
  for (let i = 0; i < 100; i++) statuses.add(await scene.service.present(token))
  t.deepEqual([...statuses], [200])
  const strange = token.replace(/^[^.]+/, encode({ alg: 'RS256', typ: 'at+jwt', kid: 'invented' }))
  t.is(await scene.service.present(strange), 503, 'nobody can say whether this is a new key')
})

test('invented key ids do not keep a service from the keys that it knows (row 33)', async (t) => {
  const scene = await startScene(t)
  const token = await scene.issue()
  t.is(await scene.service.present(token), 200)
  const present = (_: unknown, i: number) => {
    const header = encode({ alg: 'RS256', typ: 'at+jwt', kid: `invented-${i}` })
    return scene.service.present(token.replace(/^[^.]+/, header))
  }
  const statuses = new Set(await Promise.all(Array.from({ length: 100 }, present)))
  t.deepEqual([...statuses], [401])
  await sleep(1_500)
  t.is(await scene.service.present(token), 200)
})

test('a service follows a rotation by command, and old tokens stay good (row 26)', async (t) => {
  const scene = await startScene(t)
  const before = await scene.issue()
  t.is(await scene.service.present(before), 200)
  const kid = await rotate(scene.installation)
  t.not(kid, kidOf(before))
  const after = await issueUnder(scene, kid)
  t.is(kidOf(after), kid)
  t.is(await scene.service.present(after), 200)
  await sleep(1_500)
  t.is(await scene.service.present(before), 200)
  t.is(await scene.service.present(after), 200)
})

test('jwks-rsa as it comes, with its own cache and rate limit, follows a rotation (row 26)', async (t) => {
  const scene = await startScene(t)
  const { installation } = scene
  const keys = new JwksClient({
    jwksUri: `${installation.issuer}/.well-known/jwks.json`,
    cache: true,
    cacheMaxAge: 1_000,
    rateLimit: true,
  })
  const verify = async (token: string) => {
    const key = await keys.getSigningKey(kidOf(token))
    return jwt.verify(token, key.getPublicKey(), {
      algorithms: ['RS256'],
      issuer: installation.issuer,
      audience,
    })
  }
  const before = await scene.issue()
  t.is((await verify(before)).sub, 'service')
  const after = await issueUnder(scene, await rotate(installation))
  t.not(kidOf(after), kidOf(before))
  for (const token of [before, after]) t.is((await verify(token)).sub, 'service')
})

test('a service follows the schedule and refuses no token at any time (row 26)', async (t) => {
  const scene = await startScene(t, { MINTAGE_KEY_ROTATION: '3s' })
  const first = await scene.issue()
  const kids = new Set([kidOf(first)])
  const statuses = new Set<number>()
  await eventually(
    async () => {
      const token = await scene.issue()
      kids.add(kidOf(token))
      statuses.add(await scene.service.present(token))
      statuses.add(await scene.service.present(first))
    },
    () => kids.size === 4,
  )
  t.is(kids.size, 4)
  t.deepEqual([...statuses], [200])
})

test('a service refuses what a withdrawn key signed once its cache is over, and accepts its successor', async (t) => {
  const scene = await startScene(t)
  const leaked = await scene.issue()
  t.is(await scene.service.present(leaked), 200)
  await scene.installation.administer('keys', 'revoke', kidOf(leaked))
  const after = await eventually(
    () => scene.issue(),
    (token) => kidOf(token) !== kidOf(leaked),
  )
  t.not(kidOf(after), kidOf(leaked))
  const acceptance = await eventually(
    () => scene.service.present(after),
    (status) => status === 200,
  )
  t.is(acceptance, 200)
  const refusal = await eventually(
    () => scene.service.present(leaked),
    (status) => status !== 200,
  )
  t.is(refusal, 401)
  await scene.stopIssuer()
  await sleep(1_500)
  t.is(await scene.service.present(after), 200)
  t.is(await scene.service.present(leaked), 503, 'it does not come back when nobody can be asked any more')
})

/** HS256 over any key; jsonwebtoken refuses to sign with a public one, an attacker does not. */
function signHmac(claims: object, key: string, kid: string): string {
  const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${encode(claims)}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}
