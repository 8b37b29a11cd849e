import test from 'ava'
import fc from 'fast-check'
import type { KeyPolicy } from '../../src/keys/schedule.ts'
import { day, hour, minute, second } from '../../src/lib/durations.ts'
import type { KeyState } from '../../src/store/key-table.ts'
import { RingModel } from './ring-model.ts'

/** A method of the model and what it is called with: plain data, so that a counterexample can be read. */
type Act = {
  [Name in keyof RingModel]: RingModel[Name] extends (...parameters: infer Parameters) => void
    ? readonly [Name, ...Parameters]
    : never
}[keyof RingModel]

/** An act, and how long after the one before it comes. */
type Command = readonly [number, Act]

/** How long the things of one world last, in milliseconds. */
interface Durations {
  readonly pause: fc.Arbitrary<number>
  readonly rotation: fc.Arbitrary<number>
  readonly maxAge: fc.Arbitrary<number>
  readonly tokenLife: fc.Arbitrary<number>
  readonly idle: fc.Arbitrary<number>
}

function between(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min, max })
}

/** Every order of magnitude up to `longest` is as likely as the others. */
function upTo(longest: number): fc.Arbitrary<number> {
  const orders = [second, minute, hour, day].filter((order) => order < longest)
  return fc.oneof(...[...orders, longest].map((order) => between(0, order)))
}

/** An installation over months, with settings that an operator might choose. */
const months: Durations = {
  pause: upTo(10 * day),
  rotation: upTo(60 * day),
  maxAge: upTo(2 * hour),
  tokenLife: upTo(day),
  idle: upTo(14 * day),
}

/** A world in which everything lasts about as long as everything else, so that all of it overlaps. */
function tight(unit: number): Durations {
  return {
    pause: between(0, unit),
    rotation: between(0, 3 * unit),
    maxAge: between(unit, 2 * unit),
    tokenLife: between(0, 3 * unit),
    idle: between(0, 6 * unit),
  }
}

function policyOf({ rotation, maxAge, tokenLife, idle }: Durations): fc.Arbitrary<KeyPolicy> {
  return fc.record({ rotation, bits: fc.constant(2048), jwksMaxAge: maxAge, tokenLife, sessionIdle: idle })
}

function commandOf(durations: Durations): fc.Arbitrary<Command> {
  const node = fc.constantFrom(0, 1)
  const state = fc.constantFrom<KeyState>('next', 'current', 'retired')
  const act = fc.oneof(
    often(20, fc.tuple(fc.constant('tick'), node)),
    often(10, fc.tuple(fc.constant('hear'), node)),
    often(30, fc.tuple(fc.constant('fetch'), node)),
    often(10, fc.tuple(fc.constant('login'), node)),
    often(20, fc.tuple(fc.constant('refresh'), node)),
    often(30, fc.tuple(fc.constant('sign'), node, durations.tokenLife)),
    often(3, fc.tuple(fc.constant('restart'), node, policyOf(durations))),
    often(10, fc.tuple(fc.constant('rotate'))),
    often(5, fc.tuple(fc.constant('rotateMac'))),
    often(3, fc.tuple(fc.constant('revoke'), state)),
    often(1, fc.tuple(fc.constant('revokeAll'))),
  )
  return fc.tuple(durations.pause, act)
}

function often(weight: number, arbitrary: fc.Arbitrary<Act>): fc.WeightedArbitrary<Act> {
  return { weight, arbitrary }
}

function perform(model: RingModel, [pause, act]: Command): void {
  model.pass(pause)
  const [name, ...parameters] = act
  Reflect.apply(model[name], model, parameters)
}

/** Runs `runs` worlds, each to its end, and counts what happened in them. */
function simulate(
  durations: Durations,
  runs: number,
): { activations: number; withdrawals: number; longest: number } {
  const policy = policyOf(durations)
  const seen = { activations: 0, withdrawals: 0, longest: 0 }
  const commands = fc.array(commandOf(durations), { maxLength: 200, size: 'max' })
  const property = fc.property(policy, policy, commands, (first, second, commands) => {
    const model = new RingModel([first, second])
    const begin = model.now
    for (const command of commands) {
      perform(model, command)
      if (model.violations.length > 0) throw new Error(model.violations.join('; '))
    }
    seen.activations += model.activations
    seen.withdrawals += model.withdrawals
    seen.longest = Math.max(seen.longest, model.now - begin)
  })
  fc.assert(property, { numRuns: runs })
  return seen
}

test('security 26: over months of rotations no key signs too early, goes too soon or comes back', (t) => {
  const { activations, withdrawals, longest } = simulate(months, 600)
  // Nothing would be shown if no key came and went.
  t.true(activations > 500, `${activations} activations`)
  t.true(withdrawals > 500, `${withdrawals} withdrawals`)
  t.true(longest > 90 * day, `${longest / day} days`)
})

for (const [name, unit] of [
  ['seconds', second],
  ['half minutes', 30 * second],
  ['ten minutes', 10 * minute],
  ['days', day],
] as const) {
  test(`security 26: the same holds where all lasts ${name} and every process is late`, (t) => {
    const { activations, withdrawals } = simulate(tight(unit), 600)
    t.true(activations > 500, `${activations} activations`)
    t.true(withdrawals > 500, `${withdrawals} withdrawals`)
  })
}
