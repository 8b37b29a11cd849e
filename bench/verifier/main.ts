/**
 * `npm run bench:verifier [-- --quick]`: what verifying a token costs, ours beside its peers and beside the signature
 * alone, in CPU of this one process. The issuer is a process of its own with real lists and a real event stream.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { renderTable } from '../results.ts'
import { renderSpread, type Spread, spread } from '../statistics.ts'
import { type Contender, type JsonWebKeyWithId, makeContenders } from './contenders.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    tokens: { type: 'string', default: '3000' },
  },
})
const rounds = values.quick ? 2 : Number(values.rounds)
const count = values.quick ? 400 : Number(values.tokens)
/** How often each remembered token is presented in one round. */
const repeats = 10

/** What the issuer of this benchmark says first. */
interface Ready {
  readonly issuer: string
  readonly audience: string
  readonly jwk: JsonWebKeyWithId
}

const issuer = fork(fileURLToPath(new URL('./issuer.js', import.meta.url)))
const [{ issuer: url, audience, jwk }] = (await once(issuer, 'message')) as [Ready]

/** Distinct tokens, each given out once by the issuer. */
async function mint(): Promise<readonly Buffer[]> {
  issuer.send(count)
  const [tokens] = (await once(issuer, 'message')) as [string[]]
  return tokens.map((token) => Buffer.from(token, 'latin1'))
}

/** A string that nothing was ever done with, as it comes out of a request. */
function fresh(tokens: readonly Buffer[]): readonly string[] {
  return tokens.map((token) => token.toString('latin1'))
}

/** Microseconds of CPU of one verification. */
async function measure({ verify }: Contender, tokens: readonly string[]): Promise<number> {
  const before = process.cpuUsage()
  for (const token of tokens) {
    const result = verify(token)
    if (result instanceof Promise) await result
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / tokens.length
}

const contenders = await makeContenders({ issuer: url, audience, jwk })
const first = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
const again = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
for (let round = 0; round <= rounds; round++) {
  const tokens = await mint()
  const repeated = Array.from({ length: repeats }, () => tokens).flat()
  // In another order each round, so that nobody always runs on what another left behind.
  for (const contender of rotate(contenders, round)) {
    const distinct = await measure(contender, fresh(tokens))
    // One that remembers nothing shows nothing new by more of the same.
    const seen = await measure(contender, fresh(contender.remembers ? repeated : tokens))
    // The first round is the warm-up.
    if (round === 0) continue
    first.get(contender.name)?.push(distinct)
    again.get(contender.name)?.push(seen)
  }
}
for (const contender of contenders) contender.close?.()
issuer.kill()

function rotate<T>(list: readonly T[], by: number): readonly T[] {
  return [...list.slice(by % list.length), ...list.slice(0, by % list.length)]
}

/** Of each round, so that both sides of a ratio saw the same machine. */
function ratios(of: Map<string, number[]>, name: string, unit: string): Spread {
  const units = first.get(unit) ?? []
  return spread((of.get(name) ?? []).map((value, round) => value / (units[round] ?? Number.NaN)))
}

const rows = contenders.map(({ name }) => [
  name,
  renderSpread(spread(first.get(name) ?? []), 1),
  renderSpread(ratios(first, name, 'bare crypto.verify'), 2),
  renderSpread(spread(again.get(name) ?? []), 2),
  renderSpread(ratios(again, name, 'bare crypto.verify'), 3),
])
const { processor, cores, node, openssl, load, at } = describeMachine('.')
process.stdout.write(
  `${at}, ${cores} × ${processor}, Node ${node}, OpenSSL ${openssl}, load before ${load.toFixed(2)}\n\n` +
    `${rounds} rounds; each ${count} distinct tokens, then each of them again (${repeats} times where they are remembered), always as a fresh string; ` +
    `CPU of the process, median (least–most)\n\n` +
    `${renderTable(['', 'first sight, µs', '× bare', 'seen before, µs', '× bare'], rows)}\n`,
)
