import { existsSync, readFileSync } from 'node:fs'
import { BearerError, createVerifier } from '@mintage/verifier'
import test from 'ava'

interface Vectors {
  readonly numberOfTests: number
  readonly testGroups: readonly {
    readonly public?: object
    readonly private: object
    readonly tests: readonly { tcId: number; comment: string; jws: string; result: 'valid' | 'invalid' }[]
  }[]
}

/** Cases in which the outcome is not the one that their authors name, and why. */
const disagreements: Readonly<Record<number, string>> = {
  7: 'a ROCA key looks like any other; the keys come over https from the issuer, which makes its own with OpenSSL',
}

const url = new URL('../../../../shared/vectors/wycheproof_json_web_key_test.json', import.meta.url)

if (!existsSync(url)) {
  test.skip('Wycheproof JWK: SKIPPED, since ../shared/vectors/wycheproof_json_web_key_test.json is absent', (t) =>
    t.pass())
} else {
  const { testGroups, numberOfTests } = JSON.parse(readFileSync(url, 'utf8')) as Vectors
  const cases = testGroups.flatMap(({ tests, ...group }) => tests.map((each) => ({ ...each, group })))

  test('row 34: every Wycheproof JWK case is judged as its authors do, or the table says why not', async (t) => {
    const seen: Record<string, number> = {}
    for (const { tcId, comment, jws, result, group } of cases) {
      const outcome = await judge(group.public ?? group.private, jws)
      const isRs256 = jws.startsWith(Buffer.from('{"alg":"RS256"').toString('base64url').slice(0, 18))
      // Their payloads are bare texts, so a signature that was found good shows as a payload that is none.
      const expected = result === 'valid' && isRs256 ? 'payload' : 'refused'
      if (tcId in disagreements)
        t.not(outcome, expected, `${tcId} ${comment} no longer belongs into the table`)
      else t.is(outcome, expected, `${tcId} ${comment}`)
      const key = `${result}, ${isRs256 ? 'RS256' : 'another algorithm'}: ${outcome}`
      seen[key] = (seen[key] ?? 0) + 1
    }
    t.is(cases.length, numberOfTests)
    t.log(seen)
  })
}

/** How far the token comes with a verifier whose issuer shows these keys. */
async function judge(keys: object, jws: string): Promise<'payload' | 'refused'> {
  const jwks = 'keys' in keys ? keys : { keys: [keys] }
  const verifier = createVerifier({
    issuer: 'https://issuer.example',
    audience: 'https://api.example',
    revocation: 'off',
    fetch: async () => new Response(JSON.stringify(jwks)),
  })
  try {
    await verifier.verify(jws)
    throw new Error('A text passed as claims.')
  } catch (error) {
    if (!(error instanceof BearerError)) throw error
    return 'reason' in error && error.reason === 'malformed' ? 'payload' : 'refused'
  } finally {
    verifier.close()
  }
}
