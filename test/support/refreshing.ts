import type { ExecutionContext } from 'ava'
import { startTestIssuer, TestClock, type TestIssuerOptions } from './in-process-issuer.ts'
import type { OAuthAnswer } from './oauth.ts'
import { login, refresh } from './requests.ts'

/** A session under a clock of the test's own. */
export async function begin(t: ExecutionContext, options: TestIssuerOptions = {}) {
  const clock = new TestClock()
  const issuer = await startTestIssuer(t, { clock, ...options })
  const pair = await login(issuer)
  const redeem = (token: string, key?: string) =>
    refresh(issuer, token, {}, key === undefined ? {} : { 'Idempotency-Key': key })
  return { clock, issuer, first: pair.refresh_token, redeem }
}

/** The refresh token of an answer, or an error that shows the answer. */
export function successor(answer: OAuthAnswer): string {
  const token = answer.body['refresh_token']
  if (typeof token !== 'string') throw new Error(`No refresh token, but ${answer.status} ${answer.text}`)
  return token
}

export function isRefused(answer: OAuthAnswer): boolean {
  return answer.status === 400 && answer.body['error'] === 'invalid_grant'
}
