import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import fc from 'fast-check'
import { eventually } from '../support/eventually.ts'
import { ScriptedIssuer, toEvent } from './kit/scripted-issuer.ts'
import { present, type Watched, watch } from './kit/verifying.ts'

const hour = 3_600_000
/** A verifier that calls itself fresh knows what was committed so many milliseconds ago. */
const promised = 6_000

interface Minted {
  readonly token: string
  readonly uri: string
  readonly index: number
  /** When its revocation was committed, by the verifier's monotonic clock. */
  revokedAt?: number
  wasRefused?: true
}

/** An issuer that everything happens to, a verifier that follows it, and what must be true of its answers. */
interface World {
  readonly issuer: ScriptedIssuer
  readonly watched: Watched
  readonly minted: Minted[]
  /** Committed and not yet numbered: the sequencer is down. */
  readonly pending: Minted[]
  isSequencing: boolean
  readonly seen: Record<'accepted' | 'revoked' | 'other', number>
}

type Act = (world: World) => Promise<void> | void
interface Step {
  readonly name: string
  readonly act: Act
}

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list[at % list.length]
}

function now({ watched }: World): number {
  return performance.now() + watched.clocks.monotonic
}

/** Numbers and sends what was committed. */
function sequence({ issuer, pending }: World): void {
  issuer.committedAt = undefined
  for (const { uri, index } of pending.splice(0)) issuer.revoke(uri, index)
}

const simple: Readonly<Record<string, Act>> = {
  wait: () => sleep(25),
  'wait long': () => sleep(120),
  'new list': ({ issuer }) => void issuer.addList(32),
  cut: ({ issuer }) => issuer.cutStreams(),
  'cut within an event': ({ issuer }) => {
    const event = toEvent('revoked', { version: issuer.version + 1, uri: 'x', idx: [0] }, `${issuer.epoch}.9`)
    for (const stream of issuer.streams) stream.write(event.slice(0, event.length / 2))
    issuer.cutStreams()
  },
  stop: async ({ issuer }) => {
    if (issuer.server.listening) await issuer.stop()
  },
  start: async ({ issuer }) => {
    if (!issuer.server.listening) await issuer.start()
  },
  'restart without memory': async ({ issuer }) => {
    issuer.changes = []
    if (issuer.server.listening) await issuer.stop()
    await issuer.start()
  },
  'the sequencer crashes': (world) => {
    world.isSequencing = false
  },
  'the sequencer is back': (world) => {
    world.isSequencing = true
    sequence(world)
  },
  'nothing is pushed': ({ issuer }) => {
    issuer.isPushing = false
  },
  'all is pushed again': ({ issuer }) => {
    issuer.isPushing = true
  },
  'silence, as of a slow reader': ({ issuer, watched }) => {
    watched.clocks.monotonic += 7_000
    // The time passes for the issuer as well.
    if (issuer.committedAt !== undefined) issuer.committedAt -= 7_000
  },
  'the clock goes forward': ({ watched }) => {
    watched.clocks.wall += hour
  },
  'the clock goes back': ({ watched }) => {
    watched.clocks.wall -= hour
  },
  'a list that nobody needs retires': ({ issuer, minted }) => {
    const needed = new Set(minted.map(({ uri }) => uri))
    const unneeded = [...issuer.lists.keys()].find((uri) => !needed.has(uri))
    if (unneeded) issuer.retire(unneeded)
  },
}

const mint = fc.nat({ max: 9 }).map((at) => ({
  name: `mint ${at}`,
  act({ issuer, minted }: World) {
    const uri = pick([...issuer.lists.keys()], at) ?? issuer.addList(32)
    if (minted.filter((each) => each.uri === uri).length >= 32) return
    const seconds = Math.floor(Date.now() / 1_000)
    const life = { iat: seconds - 20 * 3_600, exp: seconds + 20 * 3_600 }
    minted.push({ ...issuer.mintOn(uri, life), uri })
  },
}))

const revoke = fc.nat({ max: 9 }).map((at) => ({
  name: `revoke ${at}`,
  act(world: World) {
    const token = pick(
      world.minted.filter(({ revokedAt }) => revokedAt === undefined),
      at,
    )
    if (!token) return
    token.revokedAt = now(world)
    world.pending.push(token)
    world.issuer.committedAt ??= performance.now()
    if (world.isSequencing) sequence(world)
  },
}))

/** The event gets lost on a connection that lives on. */
const revokeUnheard = revoke.map(({ name, act }) => ({
  name: `${name} unheard`,
  act(world: World) {
    const { isPushing } = world.issuer
    world.issuer.isPushing = false
    act(world)
    world.issuer.isPushing = isPushing
  },
}))

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: revokeUnheard },
  { weight: 4, arbitrary: mint },
  { weight: 4, arbitrary: revoke },
  {
    weight: 10,
    arbitrary: fc
      .constantFrom(...Object.keys(simple))
      .map((name) => ({ name, act: simple[name] ?? (() => undefined) })),
  },
  { weight: 3, arbitrary: fc.constant({ name: 'wait', act: () => sleep(25) }) },
)

/** What every answer must keep, at any moment. */
async function look(world: World): Promise<void> {
  const { watched, minted, seen } = world
  for (const each of minted) {
    const wasFresh = watched.verifier.state === 'fresh'
    const askedAt = now(world)
    const outcome = await present(watched, each.token)
    if (outcome === 'accepted') {
      seen.accepted++
      if (each.wasRefused) throw new Error('What was refused as revoked was accepted later.')
      const isFresh = wasFresh && watched.verifier.state === 'fresh'
      if (isFresh && each.revokedAt !== undefined && askedAt - each.revokedAt > promised) {
        throw new Error('A fresh verifier accepted what was revoked too long ago.')
      }
    } else if (outcome === '401 revoked') {
      seen.revoked++
      each.wasRefused = true
      if (each.revokedAt === undefined) throw new Error('What nobody revoked was refused as revoked.')
    } else if (outcome.startsWith('503')) seen.other++
    else throw new Error(`Refused with ${outcome}.`)
  }
}

/** When all is well again, exactly the revoked tokens are refused. */
async function settle(world: World): Promise<void> {
  const { issuer, watched, minted } = world
  issuer.isPushing = true
  sequence(world)
  watched.clocks.wall = 0
  if (!issuer.server.listening) await issuer.start()
  for (const { token, revokedAt } of minted) {
    const wished = revokedAt === undefined ? 'accepted' : '401 revoked'
    const last = await eventually(
      () => present(watched, token),
      (outcome) => outcome === wished,
    )
    if (last !== wished) throw new Error(`${last} where ${wished} was to be expected, at the end.`)
  }
  const state = await eventually(
    async () => watched.verifier.state,
    (last) => last === 'fresh',
  )
  if (state !== 'fresh') throw new Error(`It ended ${state}.`)
  await look(world)
}

async function live(steps: readonly Step[], seen: World['seen']): Promise<void> {
  const ends: (() => unknown)[] = []
  const issuer = new ScriptedIssuer()
  await issuer.start()
  issuer.heartbeatEvery = 20
  issuer.addList(32)
  const watched = watch({ teardown: (end) => void ends.push(end) }, issuer, {
    pollInterval: 60,
    maxLifetime: '2d',
    maxKeyAge: '2d',
  })
  // A heartbeat that is under way while time is made to pass is an old one.
  issuer.tellAt = () => performance.now() + watched.clocks.monotonic
  const world: World = { issuer, watched, minted: [], pending: [], isSequencing: true, seen }
  try {
    await watched.verifier.ready()
    for (const { act } of steps) {
      await act(world)
      await look(world)
    }
    await settle(world)
  } finally {
    for (const end of ends) await end()
    await issuer.stop()
  }
}

test('never wrong, whatever happens between the issuer and a verifier', async (t) => {
  const seen = { accepted: 0, revoked: 0, other: 0 }
  const numRuns = Number(process.env['NEVER_WRONG_RUNS'] ?? 25)
  const steps = fc.array(step, { minLength: 5, maxLength: 40, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, (list) =>
      live(list, seen).catch((error: unknown) => {
        const story = list.map(({ name }) => name).join(', ')
        t.log(`${String(error)} After: ${story}`)
        throw error
      }),
    ),
    { numRuns, endOnFailure: true },
  )
  t.log(seen)
  t.true(seen.accepted > 100 && seen.revoked > 50, JSON.stringify(seen))
})

test('an event that was received counts from the next token on', async (t) => {
  const issuer = new ScriptedIssuer()
  await issuer.start()
  t.teardown(() => issuer.stop())
  const uri = issuer.addList(512)
  let received = 0
  // Every byte goes through here, so that it is known when an event has been handed over.
  const { verifier } = watch(t, issuer, {
    fetch: async (url, init) => {
      const answer = await fetch(url, init)
      if (!url.endsWith('/events') || !answer.body) return answer
      const reader = answer.body.getReader()
      const count = (text: string) => text.split('event: revoked').length - 1
      const body = {
        getReader: () => ({
          async read() {
            const piece = await reader.read()
            const text = new TextDecoder().decode(piece.value)
            // It is taken before anything else runs than what was already waiting.
            setImmediate(() => {
              received += count(text)
            })
            return piece
          },
          cancel: () => reader.cancel(),
        }),
      }
      return { status: answer.status, headers: answer.headers, body }
    },
  })
  await verifier.ready()
  const tokens = Array.from({ length: 300 }, () => issuer.mintOn(uri))
  for (const { token } of tokens) await verifier.verify(token)
  for (const { index } of tokens) {
    issuer.revoke(uri, index)
    if (index % 7 === 0) await sleep(1)
    const known = received
    for (const { token } of tokens.slice(Math.max(known - 5, 0), known)) {
      await t.throwsAsync(verifier.verify(token), { message: 'The token was revoked.' })
    }
  }
  const all = await eventually(
    async () => received,
    (count) => count === tokens.length,
  )
  t.is(all, tokens.length)
})
