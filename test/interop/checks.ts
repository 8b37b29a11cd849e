/** What is presented to a verifier: the column's title, and the status that is expected; none where it is only shown. */
const all = {
  good: { title: 'good', expected: 200 },
  tampered: { title: 'tampered', expected: 401 },
  otherKey: { title: 'other key, same `kid`', expected: 401 },
  algNone: { title: '`alg` none', expected: 401 },
  hs256: { title: 'HS256 with the public key', expected: 401 },
  expired: { title: 'expired', expected: 401 },
  foreignIssuer: { title: 'foreign issuer', expected: 401 },
  otherIssuer: { title: 'our key, other `iss`', expected: 401 },
  otherAudience: { title: 'wrong audience', expected: 401 },
  noScope: { title: 'wrong scope', expected: 403 },
  noJwt: { title: 'no JWT at all', expected: 401 },
  noToken: { title: 'no token', expected: 401 },
  otherTyp: { title: 'other `typ`', expected: undefined },
  revoked: { title: 'revoked', expected: undefined },
  rotated: { title: 'after a rotation', expected: 200 },
  freshKey: { title: 'by a key just published', expected: 200 },
  retiredKey: { title: 'by the retired key', expected: 200 },
  issuerStopped: { title: 'issuer stopped', expected: 200 },
} as const

export type CheckName = keyof typeof all

/** One column. */
export interface Check {
  readonly title: string
  readonly expected: number | undefined
}

export const checks: Readonly<Record<CheckName, Check>> = all
export const checkNames = Object.keys(all) as [CheckName, ...CheckName[]]

/** What came of a check: the status, or why there was none. */
export interface Outcome {
  readonly status: number | string
  readonly expected: number | undefined
  /** How long it took until the status was the expected one. */
  readonly seconds: number
}

/** Whether it is red. */
export function isRed({ status, expected }: Outcome): boolean {
  return expected !== undefined && status !== expected
}
