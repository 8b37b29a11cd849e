import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { InvalidTokenError, parseCompactJws, verifyCompactJws } from '@mintage/verifier/jws'
import test from 'ava'

interface Vectors {
  readonly numberOfTests: number
  readonly testGroups: readonly {
    readonly comment: string
    readonly public?: Jwk
    readonly private: Jwk
    readonly tests: readonly { tcId: number; comment: string; jws: unknown; result: 'valid' | 'invalid' }[]
  }[]
}
type Jwk = Record<string, string> & { kty: string; k: string }

/** How far a token came. Its payload is read last, so `payload` means that the signature was found good. */
type Outcome = 'accepted' | 'refused' | 'payload'

/** Cases in which the outcome is not the one that their authors name, and why. */
const disagreements: Readonly<Record<number, string>> = {
  332: 'alg=PS512 is said by the JWK, which the reader of the JWKS judges; the signature is RS256 as its header says',
  353: 'use=enc is said by the JWK, which the reader of the JWKS judges; a KeyObject no longer tells',
  355: 'key_ops is said by the JWK, which the reader of the JWKS judges; a KeyObject no longer tells',
}

const url = new URL('../../../../shared/vectors/wycheproof_json_web_signature_test.json', import.meta.url)

if (!existsSync(url)) {
  test.skip('Wycheproof JWS: SKIPPED, since ../shared/vectors/wycheproof_json_web_signature_test.json is absent', (t) =>
    t.pass())
} else {
  const vectors = JSON.parse(readFileSync(url, 'utf8')) as Vectors
  const cases = vectors.testGroups.flatMap((group) => group.tests.map((each) => ({ ...each, group })))

  test('rows 29 and 31: every Wycheproof JWS case is judged as its authors do, or the table says why not', (t) => {
    const seen: Record<string, number> = {}
    for (const { tcId, comment, jws, result, group } of cases) {
      const outcome = judge(jws, importKey(group.public ?? group.private))
      // Its payloads are bare texts, none of which may pass as claims.
      t.not(outcome, 'accepted', `${tcId} ${comment}`)
      const isRs256 = typeof jws === 'string' && readAlgorithm(jws) === 'RS256'
      const expected: Outcome = result === 'valid' && isRs256 ? 'payload' : 'refused'
      if (tcId in disagreements)
        t.not(outcome, expected, `${tcId} ${comment} no longer belongs into the table`)
      else t.is(outcome, expected, `${tcId} ${comment} (${group.comment})`)
      const key = `${result}, ${isRs256 ? 'RS256' : 'another algorithm'}: ${outcome}`
      seen[key] = (seen[key] ?? 0) + 1
    }
    t.is(cases.length, vectors.numberOfTests)
    t.log(seen)
  })

  test('the vectors hold good RS256 signatures, and good ones of other algorithms that are refused', (t) => {
    const valid = cases.filter(({ result }) => result === 'valid')
    const algorithms = new Set(valid.map(({ jws }) => readAlgorithm(jws as string)))
    for (const algorithm of ['RS256', 'HS256', 'ES256', 'PS256', 'RS384', 'RS512'])
      t.true(algorithms.has(algorithm))
  })
}

function judge(jws: unknown, key: KeyObject): Outcome {
  let signed = false
  try {
    const parsed = parseCompactJws(typeof jws === 'string' ? jws : JSON.stringify(jws))
    signed = true
    verifyCompactJws(parsed, key)
    return 'accepted'
  } catch (error) {
    if (!(error instanceof InvalidTokenError)) throw error
    return signed && error.reason === 'malformed' ? 'payload' : 'refused'
  }
}

function readAlgorithm(jws: string): string | undefined {
  try {
    return JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()).alg
  } catch {
    return undefined
  }
}

function importKey(jwk: Jwk): KeyObject {
  if (jwk.kty === 'oct') return createSecretKey(Buffer.from(jwk.k, 'base64url'))
  return createPublicKey({ key: jwk, format: 'jwk' })
}
