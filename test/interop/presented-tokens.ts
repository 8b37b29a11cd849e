import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeJwt, type JWTPayload, SignJWT } from 'jose'
import type { CheckName } from './checks.ts'
import { audienceOf, type Issuer, kidOf, otherAudience } from './issuers.ts'
import type { Example } from './manifest.ts'

/** The checks that need no more than a token; `noToken` has none. */
export type TokenCheck = Exclude<
  CheckName,
  'revoked' | 'rotated' | 'freshKey' | 'retiredKey' | 'issuerStopped'
>

const { privateKey: strangersKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** A good token for the example, and what else is presented to it. */
export async function makeTokens(
  example: Example,
  issuer: Issuer,
  foreign: Issuer,
  keys: IssuerKeys,
): Promise<Readonly<Record<TokenCheck, string | undefined>>> {
  const audience = audienceOf(example)
  const good = await issuer.issue(audience, 'orders:read')
  const claims = decodeJwt(good)
  const [header = '', payload = '', signature = ''] = good.split('.')
  const { typ } = example.api
  const kid = kidOf(good)
  const sign = (changes: JWTPayload, key: KeyObject = keys.privateKey, type: string = typ) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'RS256', typ: type, kid }).sign(key)
  const now = Math.floor(Date.now() / 1_000)
  return {
    good,
    tampered: `${header}.${encode({ ...claims, sub: 'mallory' })}.${signature}`,
    otherKey: await sign({}, strangersKey),
    algNone: `${encode({ alg: 'none', typ, kid })}.${payload}.`,
    hs256: signHmac({ alg: 'HS256', typ, kid }, claims, keys.publicPem),
    expired: await sign({ iat: now - 7_200, exp: now - 3_600 }),
    foreignIssuer: await foreign.issue(audience, 'orders:read'),
    otherIssuer: await sign({ iss: foreign.url }),
    otherAudience: await issuer.issue(otherAudience, 'orders:read'),
    noScope: await issuer.issue(audience, 'orders:write'),
    noJwt: 'nonsense',
    noToken: undefined,
    otherTyp: await sign({}, keys.privateKey, 'statuslist+jwt'),
  }
}

/** What the forger has: the issuer's own key, so that nothing but the change can be what is refused. */
export interface IssuerKeys {
  readonly privateKey: KeyObject
  readonly publicPem: string
}

export async function exportKeys(issuer: Issuer): Promise<IssuerKeys> {
  const kid = kidOf(await issuer.issue(otherAudience, 'orders:read'))
  return {
    privateKey: createPrivateKey(await issuer.exportKey(kid, 'private')),
    publicPem: await issuer.exportKey(kid, 'public'),
  }
}

/** HS256 over any key; libraries refuse to sign with a public one, an attacker does not. */
function signHmac(header: object, claims: object, key: string): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
