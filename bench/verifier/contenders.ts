import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { createVerifier } from '@mintage/verifier'
import { JwtVerifier } from 'aws-jwt-verify'
import { createVerifier as createFastVerifier } from 'fast-jwt'
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import jwt from 'jsonwebtoken'

/** One way to verify tokens, with issuer, audience, type, expiry and algorithm checked as far as it can. */
export interface Contender {
  readonly name: string
  /** Resolves when the token is good, and throws otherwise. */
  readonly verify: (token: string) => unknown
  readonly remembers?: boolean
  close?(): void
}

export interface Scene {
  readonly issuer: string
  readonly audience: string
  readonly jwk: JsonWebKeyWithId
}

export interface JsonWebKeyWithId {
  readonly kty: string
  readonly n: string
  readonly e: string
  readonly kid: string
}

/** Just the signature, which nobody can do without. */
export function bare(key: KeyObject): Contender {
  return {
    name: 'bare crypto.verify',
    verify(token) {
      const end = token.lastIndexOf('.')
      const signature = Buffer.from(token.slice(end + 1), 'base64url')
      if (!verify('sha256', Buffer.from(token.slice(0, end), 'latin1'), key, signature))
        throw new Error('bad')
    },
  }
}

export async function makeContenders(scene: Scene): Promise<readonly Contender[]> {
  const { issuer, audience, jwk } = scene
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  const pem = key.export({ type: 'spki', format: 'pem' }).toString()
  return [
    bare(key),
    await mintage(scene, 'mintage', {}),
    await mintage(scene, 'mintage, revocation off', { revocation: 'off' }),
    await mintage(scene, 'mintage, no cache', { cacheSize: 0 }),
    joseContender(scene),
    jsonwebtokenContender('jsonwebtoken, PEM', pem, scene),
    jsonwebtokenContender('jsonwebtoken, KeyObject', key, scene),
    await awsContender(scene),
    fastContender('fast-jwt', pem, issuer, audience, false),
    fastContender('fast-jwt, cached', pem, issuer, audience, 10_000),
  ]
}

async function mintage({ issuer, audience }: Scene, name: string, options: object): Promise<Contender> {
  const verifier = createVerifier({ issuer, audience, ...options })
  await verifier.ready()
  const remembers = !('cacheSize' in options)
  return { name, remembers, verify: (token) => verifier.verify(token), close: () => verifier.close() }
}

function joseContender({ issuer, audience, jwk }: Scene): Contender {
  const keys = createLocalJWKSet({ keys: [{ ...jwk, alg: 'RS256', use: 'sig' } as JWK] })
  const options = { issuer, audience, typ: 'at+jwt', algorithms: ['RS256'], clockTolerance: 30 }
  return { name: 'jose', verify: (token) => jwtVerify(token, keys, options) }
}

function jsonwebtokenContender(
  name: string,
  key: string | KeyObject,
  { issuer, audience }: Scene,
): Contender {
  const options = {
    algorithms: ['RS256' as const],
    issuer,
    audience,
    clockTolerance: 30,
    complete: true as const,
  }
  return {
    name,
    verify(token) {
      const { header } = jwt.verify(token, key, options)
      if (header.typ !== 'at+jwt') throw new Error('typ')
    },
  }
}

async function awsContender({ issuer, audience, jwk }: Scene): Promise<Contender> {
  const verifier = JwtVerifier.create({
    issuer,
    audience,
    graceSeconds: 30,
    jwksUri: `${issuer}/.well-known/jwks.json`,
    customJwtCheck: ({ header }) => {
      if (header['typ'] !== 'at+jwt') throw new Error('typ')
    },
  })
  verifier.cacheJwks({ keys: [{ ...jwk, alg: 'RS256', use: 'sig' }] })
  return { name: 'aws-jwt-verify, sync', verify: (token) => verifier.verifySync(token) }
}

function fastContender(
  name: string,
  key: string,
  allowedIss: string,
  allowedAud: string,
  cache: number | false,
): Contender {
  const verifyToken = createFastVerifier({
    key,
    algorithms: ['RS256'],
    allowedIss,
    allowedAud,
    checkTyp: 'at+jwt',
    clockTolerance: 30_000,
    requiredClaims: ['exp', 'sub'],
    ...(cache !== false && { cache, cacheTTL: 600_000 }),
  })
  return { name, remembers: cache !== false, verify: (token) => verifyToken(token) }
}
