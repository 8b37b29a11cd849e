import { looksLikeRefreshToken } from '../sessions/refresh-token.ts'
import { fetchIssuerKeys } from './issuer-keys.ts'
import { examineAccessToken } from './token-examination.ts'
import type { TokenReport } from './token-inspection.ts'

/**
 * Says what an access token is worth by what its issuer publishes, as a resource server would. Whether it was
 * revoked, only the issuer knows.
 * @throws {AdminError} when the issuer's keys cannot be fetched.
 */
export async function inspectForeignToken(
  token: string,
  { issuer, audience }: { readonly issuer: string; readonly audience: string | undefined },
): Promise<TokenReport> {
  if (looksLikeRefreshToken(token)) {
    const problem =
      'It is a refresh token, which only its issuer can read: inspect it there, without --issuer.'
    return { kind: 'refresh_token', good: false, problems: [problem], notes: [] }
  }
  const keys = await fetchIssuerKeys(issuer)
  const { header, claims, problems } = examineAccessToken(token, {
    now: Date.now(),
    issuer,
    audience,
    typOf: () => undefined,
    keyOf: (kid) => keys.get(kid),
  })
  return {
    kind: header === undefined && claims === undefined ? 'unknown' : 'access_token',
    good: problems.length === 0,
    problems,
    notes: ['Whether it was revoked is not looked up: that is known where it was issued.'],
    ...(header && { header }),
    ...(claims && { claims }),
  }
}
