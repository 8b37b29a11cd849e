import { setTimeout as delay } from 'node:timers/promises'
import type { CheckName, Outcome } from './checks.ts'
import type { Issuer } from './issuers.ts'
import type { Example } from './manifest.ts'
import { exportKeys, makeTokens, type TokenCheck } from './presented-tokens.ts'
import { inParallel } from './running.ts'
import { type RunningVerifier, startVerifier } from './running-verifier.ts'
import type { TlsProxy } from './tls-proxy.ts'

const width = 4
/** How long a verifier may take to know a new key, in milliseconds. */
const rotationPatience = 100_000
/** How long one that follows revocation may take to refuse, in milliseconds. */
const revocationPatience = 60_000
/** Longer than the issuer's JWKS may be cached, in milliseconds. */
const cacheLife = 2_000

/** What came of one example. */
export interface VerifierResult {
  readonly example: Example
  readonly outcomes: Readonly<Partial<Record<CheckName, Outcome>>>
  /** Why there are no outcomes. */
  readonly problem?: string
  /** The end of what it wrote. */
  readonly output: string
}

/**
 * Starts every verifier, presents all tokens to it, lets the keys rotate and the issuer stop, which ends `issuer`'s server,
 * and ends the verifiers.
 */
export async function tryVerifiers(
  examples: readonly Example[],
  issuer: Issuer,
  foreign: Issuer,
  tls: TlsProxy,
  say: (line: string) => void,
): Promise<readonly VerifierResult[]> {
  const jwks = '/.well-known/jwks.json'
  const environment = {
    ISSUER: issuer.url,
    JWKS_URL: issuer.url + jwks,
    JWKS_URL_TLS: tls.url + jwks,
    CA_FILE: tls.caFile,
  }
  const running: RunningVerifier[] = []
  const failed: VerifierResult[] = []
  try {
    await inParallel(width, examples, async (example) => {
      const start = performance.now()
      try {
        running.push(await startVerifier(example, environment))
        say(`started ${example.name} in ${((performance.now() - start) / 1_000).toFixed(1)} s`)
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error)
        failed.push({ example, outcomes: {}, problem: `It did not start. ${problem}`, output: '' })
      }
    })
    return [...failed, ...(await checkAll(running, issuer, foreign, say))]
  } finally {
    await Promise.all(running.map((verifier) => verifier.end()))
  }
}

async function checkAll(
  running: readonly RunningVerifier[],
  issuer: Issuer,
  foreign: Issuer,
  say: (line: string) => void,
): Promise<readonly VerifierResult[]> {
  const outcomes = new Map<RunningVerifier, Partial<Record<CheckName, Outcome>>>()
  const note = (verifier: RunningVerifier, name: CheckName, outcome: Outcome) =>
    outcomes.set(verifier, { ...outcomes.get(verifier), [name]: outcome })
  const issue = ({ audience }: RunningVerifier) => issuer.issue(audience, 'orders:read')
  /** Presents to all of them what is made for each. */
  const checkEach = (
    name: CheckName,
    tokenFor: (verifier: RunningVerifier) => string | undefined | Promise<string | undefined>,
    patience?: number,
  ) =>
    inParallel(running.length, running, async (verifier) =>
      note(verifier, name, await verifier.check(name, await tokenFor(verifier), patience)),
    )

  say(`presenting tokens to ${running.length} verifiers`)
  const keys = await exportKeys(issuer)
  const goodTokens = new Map<RunningVerifier, string | undefined>()
  await inParallel(width, running, async (verifier) => {
    const tokens = await makeTokens(verifier.example, issuer, foreign, keys)
    goodTokens.set(verifier, tokens.good)
    for (const name of Object.keys(tokens) as TokenCheck[]) {
      note(verifier, name, await verifier.check(name, tokens[name]))
    }
  })

  await inParallel(width, running, async (verifier) => {
    const token = await issue(verifier)
    await verifier.check('good', token)
    await issuer.revoke(token)
    const patience = verifier.example.expected.revoked === undefined ? 0 : revocationPatience
    note(verifier, 'revoked', await verifier.check('revoked', token, patience))
  })

  say('rotating to the key that was published before')
  await issuer.rotate()
  await checkEach('rotated', issue, rotationPatience)
  say('rotating to a key that was published only now')
  await issuer.rotate()
  const latest = new Map<RunningVerifier, string>()
  for (const verifier of running) latest.set(verifier, await issue(verifier))
  await checkEach('freshKey', (verifier) => latest.get(verifier), rotationPatience)
  await checkEach('retiredKey', (verifier) => goodTokens.get(verifier))
  for (const verifier of running) {
    for (const name of ['rotated', 'freshKey'] as const) {
      const { seconds = 0 } = outcomes.get(verifier)?.[name] ?? {}
      if (seconds > 2)
        say(`${verifier.example.name} knew the new key (${name}) after ${seconds.toFixed(1)} s`)
    }
  }

  say('the issuer stops')
  await issuer.stop()
  await delay(cacheLife)
  await checkEach('issuerStopped', (verifier) => latest.get(verifier))
  return running.map((verifier) => ({
    example: verifier.example,
    outcomes: outcomes.get(verifier) ?? {},
    output: verifier.output(),
  }))
}
