/**
 * `npm run faults:fuzz [-- --tokens N --seed N]`: shows a verifier mutated tokens, a million by default, while it
 * remembers the good ones that they were made of. Exit 1 when one is accepted, or throws what is not our error.
 */
import { parseArgs } from 'node:util'
import { BearerError, createVerifier } from '@mintage/verifier'
import fc from 'fast-check'
import { audience, ScriptedIssuer } from '../verifier/kit/scripted-issuer.ts'
import { mutated } from '../verifier/mutations.ts'

const { values } = parseArgs({
  options: { tokens: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
})
const total = Number(values.tokens)
const seed = Number(values.seed ?? Date.now() % 2 ** 31)
const issuer = new ScriptedIssuer()
await issuer.start()
const uri = issuer.addList(1_024)
const verifier = createVerifier({ issuer: issuer.url, audience })
await verifier.ready()

const began = Date.now()
const reasons = new Map<string, number>()
let accepted = 0
let foreignErrors = 0
let shown = 0
/** Tokens of one batch come from one good token; a fresh one every so often, so that not all share their fate. */
const batch = 5_000
while (shown < total) {
  const { token: good } = issuer.mintOn(uri, { roles: ['a:b', { c: '"\\' }] })
  await verifier.verify(good)
  const tokens = fc.sample(mutated(good), { numRuns: Math.min(batch, total - shown), seed: seed + shown })
  for (const token of tokens) {
    shown++
    if (token === good) continue
    try {
      await verifier.verify(token)
      accepted++
      process.stderr.write(`accepted: ${JSON.stringify(token)}\n`)
    } catch (error) {
      const reason = error instanceof BearerError && 'reason' in error ? String(error.reason) : undefined
      if (reason === undefined) {
        foreignErrors++
        process.stderr.write(`not ours: ${String(error)}: ${JSON.stringify(token)}\n`)
      } else reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
  }
  await verifier.verify(good)
}
const figures = {
  tokens: shown,
  seed,
  accepted,
  foreignErrors,
  reasons: Object.fromEntries(reasons),
  jwksFetches: issuer.count('jwks'),
  seconds: Math.round((Date.now() - began) / 1_000),
}
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
verifier.close()
await issuer.stop()
if (accepted + foreignErrors > 0) process.exitCode = 1
