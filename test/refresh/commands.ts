import fc from 'fast-check'
import type { TestClock } from '../support/in-process-issuer.ts'
import type { SharedInstallation } from '../support/shared-installation.ts'
import type { Operation } from './rules.ts'
import type { World } from './world.ts'

/** The model needs no state of its own: the world has it. */
type Model = Record<string, never>
export type Command = fc.AsyncCommand<Model, World>

/** One command of the model; `name` is what a counterexample shows. */
class Act implements Command {
  readonly #name: string
  readonly #act: (world: World) => Promise<void>

  constructor(name: string, act: (world: World) => Promise<void>) {
    this.#name = name
    this.#act = act
  }

  check(): boolean {
    return true
  }

  run(_model: Model, world: World): Promise<void> {
    return this.#act(world)
  }

  toString(): string {
    return this.#name
  }
}

export function act(name: string, how: (world: World) => Promise<void>): Command {
  return new Act(name, how)
}

/** A presentation before it is known which sessions there are. */
interface Intent {
  readonly node: number
  /** How many generations behind the client's latest; -1 is a successor whose answer the client did not see. */
  readonly back: number
  readonly key: 'none' | 'own' | 'other'
  readonly scope: 'same' | 'narrow' | 'beyond'
  readonly foreign: boolean
  /** Whether the answer gets lost on its way. */
  readonly unread: boolean
}

function weighted<T>(...choices: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })))
}

const node = fc.constantFrom(0, 1)
/** Which of the newest live sessions; -1 is the newest of all, which has ended perhaps. */
const newest = weighted([8, 0], [3, 1], [1, 2], [1, -1])

/** What a client does that follows the rules, over a network that loses answers. */
const honestly: fc.Arbitrary<Intent> = fc.record({
  node,
  back: fc.constant(0),
  key: weighted([5, 'none' as const], [4, 'own' as const]),
  scope: weighted([9, 'same' as const], [1, 'narrow' as const]),
  foreign: fc.constant(false),
  unread: weighted([2, false], [1, true]),
})

/** Whatever else may come: old tokens, other keys, foreign clients, scopes beyond the session. */
const anyhow: fc.Arbitrary<Intent> = fc.record({
  node,
  back: weighted([4, 0], [3, 1], [1, 2], [1, 3], [1, -1]),
  key: weighted([3, 'none' as const], [2, 'own' as const], [2, 'other' as const]),
  scope: weighted([6, 'same' as const], [1, 'narrow' as const], [2, 'beyond' as const]),
  foreign: weighted([5, false], [1, true]),
  unread: weighted([2, false], [1, true]),
})

const interference = weighted<Operation['kind']>(
  [3, 'revoke'],
  [1, 'disable-user'],
  [1, 'disable-client'],
  [3, 'rotate-mac'],
)

function toOperation(
  kind: Operation['kind'],
  installation: SharedInstallation,
  world: World,
  line: number,
  at: number,
): Operation {
  if (kind === 'revoke') return { kind, line, node: at, generation: world.generationOf(line, 0) }
  if (kind === 'disable-client') return { kind, client: installation.service.id }
  return kind === 'disable-user' ? { kind } : { kind: 'rotate-mac' }
}

function toPresentation(
  world: World,
  installation: SharedInstallation,
  line: number,
  intent: Intent,
): Operation {
  const generation = world.generationOf(line, intent.back)
  const keys = { none: null, own: `own-${line}-${generation}`, other: 'another-key' }
  const scopes = { same: null, narrow: 'orders:read', beyond: 'orders:read orders:write orders:delete' }
  return {
    kind: 'present',
    line,
    node: intent.node,
    generation,
    key: keys[intent.key],
    scope: scopes[intent.scope],
    client: intent.foreign ? installation.stranger.id : (world.lines[line]?.owner ?? ''),
  }
}

async function present(
  world: World,
  installation: SharedInstallation,
  back: number,
  intents: readonly Intent[],
  also: readonly ((line: number) => Operation)[] = [],
): Promise<void> {
  const line = await world.choose(back, installation.service.id)
  await presentTo(line, world, installation, intents, also)
}

async function presentTo(
  line: number,
  world: World,
  installation: SharedInstallation,
  intents: readonly Intent[],
  also: readonly ((line: number) => Operation)[] = [],
): Promise<void> {
  const presentations = intents.map((intent) => toPresentation(world, installation, line, intent))
  const unread = new Set(presentations.filter((_operation, index) => intents[index]?.unread))
  await world.step([...presentations, ...also.map((make) => make(line))], unread)
}

/** The commands that need neither a crash nor a clock. */
export function clientCommands(installation: SharedInstallation): fc.Arbitrary<Command>[] {
  const { service, strict } = installation
  const login = fc
    .tuple(weighted([3, service.id], [1, strict.id]), node, fc.boolean())
    .map((args) => act(`login(${args})`, (world) => world.login(...args)))
  const one = (intent: fc.Arbitrary<Intent>) =>
    fc
      .tuple(newest, intent)
      .map(([back, intent]) =>
        act(`present(${JSON.stringify({ session: back, ...intent })})`, (world) =>
          present(world, installation, back, [intent]),
        ),
      )
  const many = fc
    .tuple(newest, fc.array(fc.oneof(honestly, honestly, anyhow), { minLength: 2, maxLength: 4 }))
    .map(([back, intents]) =>
      act(`at once(${JSON.stringify({ session: back, intents })})`, (world) =>
        present(world, installation, back, intents),
      ),
    )
  const against = fc
    .tuple(newest, node, interference, fc.array(honestly, { maxLength: 2 }))
    .map(([back, at, kind, intents]) =>
      act(`${kind}(${JSON.stringify({ session: back, at, intents })})`, (world) =>
        present(world, installation, back, intents, [
          (line) => toOperation(kind, installation, world, line, at),
        ]),
      ),
    )
  return [login, one(honestly), one(honestly), one(honestly), one(anyhow), many, many, against]
}

/** A node is killed while requests are under way, after so many milliseconds. */
export function killCommand(installation: SharedInstallation): fc.Arbitrary<Command> {
  return fc
    .tuple(newest, node, fc.integer({ min: 0, max: 12 }), fc.array(honestly, { minLength: 1, maxLength: 3 }))
    .map(([back, killed, after, intents]) =>
      act(`kill(${JSON.stringify({ session: back, node: killed, after, intents })})`, (world) =>
        present(world, installation, back, intents, [() => ({ kind: 'kill', node: killed, after })]),
      ),
    )
}

/** The clock is moved by one of `jumps`, mostly forward, between choosing a session and presenting its token. */
export function clockCommand(
  installation: SharedInstallation,
  clock: TestClock,
  jumps: readonly number[],
): fc.Arbitrary<Command> {
  return fc
    .tuple(newest, fc.constantFrom(...jumps), weighted([4, 1], [1, -1]), fc.array(honestly, { maxLength: 2 }))
    .map(([back, jump, sign, intents]) =>
      act(`clock(${JSON.stringify({ session: back, jump: sign * jump, intents })})`, async (world) => {
        const line = await world.choose(back, installation.service.id)
        clock.advance(sign * jump)
        await world.settle()
        await presentTo(line, world, installation, intents)
      }),
    )
}

/** An honest client goes on refreshing one session while time goes by, as it does until the session's life is over. */
export function ageCommand(
  installation: SharedInstallation,
  clock: TestClock,
  stride: number,
): fc.Arbitrary<Command> {
  return fc.tuple(newest, fc.array(honestly, { minLength: 2, maxLength: 5 })).map(([back, intents]) =>
    act(`age(${JSON.stringify({ session: back, intents })})`, async (world) => {
      const line = await world.choose(back, installation.service.id)
      for (const intent of intents) {
        clock.advance(stride)
        await world.settle()
        await presentTo(line, world, installation, [intent])
      }
    }),
  )
}
