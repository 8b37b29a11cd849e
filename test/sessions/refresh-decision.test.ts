import test from 'ava'
import fc from 'fast-check'
import {
  decideRefresh,
  type Presentation,
  type RefreshRules,
  type RefusalReason,
} from '../../src/sessions/refresh-decision.ts'
import type { Redeemable } from '../../src/store/redeemer.ts'
import type { SessionRecord } from '../../src/store/session-table.ts'

const rotatedAt = 1_000_000
const window = 30_000

const session: SessionRecord = {
  handle: 'handle',
  sid: 'ses_1',
  client: 'cli_1',
  user: 'usr_1',
  scope: 'a b',
  audience: 'api',
  generation: 5,
  macKey: 1,
  rotatedAt,
  retryKey: null,
  attempt: 'attempt-5',
  createdAt: 0,
  idleExpiresAt: 5_000_000,
  expiresAt: 9_000_000,
  endedAt: null,
  endReason: null,
}

const presentation: Presentation = {
  generation: 5,
  counting: 'once',
  client: 'cli_1',
  clientId: 'service',
  retryKey: null,
  attempt: 'attempt-6',
  scopes: undefined,
  resource: undefined,
  open: new Map([['api', ['a', 'b', 'c']]]),
}

const rules: RefreshRules = {
  now: rotatedAt + 1,
  servingSince: 0,
  retryWindow: window,
  idleTtl: 700_000,
  macKey: 2,
}

const user = { username: 'ada', email: null, claims: { role: 'x' } }

interface Case {
  readonly session?: Partial<SessionRecord>
  readonly client?: Redeemable['client']
  readonly user?: Redeemable['user']
  readonly presented?: Partial<Presentation>
  readonly rules?: Partial<RefreshRules>
}

function decide(given: Case) {
  const redeemable: Redeemable = {
    session: { ...session, ...given.session },
    client: 'client' in given ? given.client : { disabled: false },
    user: 'user' in given ? given.user : { ...user, disabled: false },
  }
  return decideRefresh(redeemable, { ...presentation, ...given.presented }, { ...rules, ...given.rules })
}

/** What a decision comes to, in one word. */
function verdict(given: Case): string {
  const { outcome, write, events = [] } = decide(given)
  const types = events.map(({ type }) => type)
  if (outcome.kind === 'refused') return outcome.reason
  if (types.includes('session.adopted')) return 'adopted'
  if (write?.kind === 'rotate') return 'rotated'
  return events.some((event) => event.type === 'session.refreshed' && event.outcome === 'kept')
    ? 'kept'
    : 'retried'
}

/** Where an access token that is shown in place of a refresh token has its status, and where the session has it since. */
const here = { list: 'lst_1', index: 3 }
const there = { list: 'lst_1', index: 4 }

const late = { now: rotatedAt + window }
const keyed = { retryKey: 'key' }
const before = { generation: 4 }

const table: readonly (readonly [
  given: Case,
  verdict: RefusalReason | 'rotated' | 'retried' | 'kept' | 'adopted',
])[] = [
  [{}, 'rotated'],
  [{ presented: { client: 'cli_2' } }, 'foreign_client'],
  [{ presented: { client: 'cli_2', generation: 1 } }, 'foreign_client'],
  [{ session: { endedAt: 1, endReason: 'reuse' } }, 'ended'],
  [{ session: { endedAt: 1, endReason: 'reuse' }, presented: { generation: 1 } }, 'ended'],
  [{ session: { status: here }, presented: { place: here, counting: 'always' } }, 'kept'],
  [{ session: { status: there }, presented: { place: here, counting: 'always' } }, 'ended'],
  [{ presented: { place: here, counting: 'always' } }, 'ended'],
  [{ session: { status: here }, presented: { counting: 'always' } }, 'kept'],
  [{ rules: { now: session.idleExpiresAt - 1 } }, 'rotated'],
  [{ rules: { now: session.idleExpiresAt } }, 'expired'],
  [{ session: { idleExpiresAt: 10_000_000 }, rules: { now: session.expiresAt } }, 'expired'],
  [{ rules: { now: session.idleExpiresAt }, presented: { generation: 1 } }, 'expired'],
  [{ client: { disabled: true } }, 'disabled'],
  [{ client: undefined }, 'disabled'],
  [{ user: { ...user, disabled: true } }, 'disabled'],
  [{ user: undefined }, 'disabled'],

  [{ presented: { scopes: ['a'] } }, 'rotated'],
  [{ presented: { scopes: [] } }, 'rotated'],
  [{ presented: { scopes: ['c'] } }, 'scope'],
  [{ presented: { scopes: ['a', 'b', 'c'] } }, 'scope'],
  [{ presented: { scopes: ['b'], open: new Map([['api', ['a']]]) } }, 'scope'],
  [{ presented: { scopes: ['c'], generation: 1 } }, 'scope'],
  [{ presented: { resource: 'api' } }, 'rotated'],
  [{ presented: { resource: 'other' } }, 'resource'],
  [{ presented: { open: new Map([['other', ['a']]]) } }, 'audience_closed'],

  [{ presented: { ...before, attempt: 'attempt-5' }, rules: late }, 'retried'],
  [{ presented: { ...before, attempt: 'attempt-5' }, session: keyed }, 'retried'],
  [{ presented: before }, 'retried'],
  [{ presented: before, rules: { now: rotatedAt + window - 1 } }, 'retried'],
  [{ presented: before, rules: late }, 'reused'],
  [{ presented: before, rules: { now: rotatedAt - 3_600_000 } }, 'retried'],
  [{ presented: before, rules: { ...late, servingSince: rotatedAt + 1 } }, 'retried'],
  [{ presented: before, rules: { ...late, servingSince: rotatedAt } }, 'reused'],
  [{ presented: before, rules: { ...late, servingSince: rotatedAt + window + 99 } }, 'retried'],
  [{ presented: before, rules: { retryWindow: 0 } }, 'reused'],
  [{ presented: before, rules: { retryWindow: 0, now: rotatedAt - 1 } }, 'reused'],
  [{ presented: { ...before, retryKey: 'key' } }, 'retried'],
  [{ presented: { ...before, retryKey: 'key' }, rules: late }, 'reused'],
  [{ presented: { ...before, retryKey: 'key' }, session: keyed, rules: late }, 'retried'],
  [{ presented: { ...before, retryKey: 'key' }, session: keyed, rules: { retryWindow: 0 } }, 'retried'],
  [{ presented: { ...before, retryKey: 'other' }, session: keyed }, 'retry_key'],
  [{ presented: before, session: keyed }, 'retry_key'],
  [{ presented: { ...before, retryKey: 'other' }, session: keyed, rules: late }, 'reused'],
  [{ presented: before, session: keyed, rules: late }, 'reused'],
  [{ presented: before, session: keyed, rules: { retryWindow: 0 } }, 'reused'],

  [{ presented: { generation: 3 } }, 'reused'],
  [{ presented: { generation: 0, attempt: 'attempt-5' } }, 'reused'],
  [{ presented: { generation: 3, retryKey: 'key' }, session: keyed }, 'reused'],
  [{ presented: { counting: 'always' } }, 'kept'],
  [{ presented: { counting: 'always', generation: undefined } }, 'kept'],
  [{ presented: { generation: undefined } }, 'rotated'],
  [{ presented: { counting: 'always' }, rules: { now: session.idleExpiresAt } }, 'expired'],
  [{ presented: { counting: 'always' }, user: { ...user, disabled: true } }, 'disabled'],
  [{ presented: { counting: 'always', scopes: ['c'] } }, 'scope'],
  [{ presented: { ...before, counting: 'always' } }, 'retried'],
  [{ presented: { ...before, counting: 'always' }, rules: late }, 'reused'],
  [{ presented: { counting: 'always', generation: 6 } }, 'adopted'],
  [{ presented: { counting: 'until_expiry' } }, 'rotated'],
  [{ presented: { ...before, counting: 'until_expiry' }, rules: late }, 'retried'],
  [{ presented: { generation: 0, counting: 'until_expiry' }, rules: late }, 'retried'],
  [{ presented: { generation: 0, counting: 'until_expiry' }, session: { endedAt: 1 } }, 'ended'],
  [{ presented: { generation: 6, counting: 'until_expiry' } }, 'adopted'],

  [{ presented: { generation: 6 } }, 'adopted'],
  [{ presented: { generation: 60 }, rules: late }, 'adopted'],
]

table.forEach(([given, expected], row) => {
  test(`security 19: row ${row + 1} of the table: ${JSON.stringify(given)} is ${expected}`, (t) => {
    t.is(verdict(given), expected)
  })
})

test('security 19: an unknown session is refused without an effect', (t) => {
  const decision = decideRefresh(undefined, presentation, rules)
  t.deepEqual(decision, { outcome: { kind: 'refused', reason: 'unknown' }, events: [] })
})

test('security 19: a rotation steps the generation and remembers what a retry is judged by', (t) => {
  const { outcome, write } = decide({ presented: { retryKey: 'key' } })
  t.deepEqual(write, {
    kind: 'rotate',
    generation: 6,
    macKey: 2,
    rotatedAt: rules.now,
    retryKey: 'key',
    attempt: 'attempt-6',
    idleExpiresAt: rules.now + rules.idleTtl,
  })
  t.like(outcome, { kind: 'refreshed', scopes: ['a', 'b'], user })
})

test('security 19: a retry writes nothing and yields the session as it is', (t) => {
  const { outcome, write } = decide({ presented: before })
  t.is(write, undefined)
  t.deepEqual(outcome.kind === 'refreshed' && outcome.session, session)
})

test('security 20: a token that counts always moves neither generation nor idle life', (t) => {
  const { outcome, write } = decide({ presented: { counting: 'always' } })
  t.is(write, undefined)
  t.deepEqual(outcome.kind === 'refreshed' && outcome.session, session)
})

test('a token that counts always and is ahead of its session is taken at its word, and no further', (t) => {
  const { outcome, write, events } = decide({ presented: { counting: 'always', generation: 8 } })
  const { rotatedAt: rotated, idleExpiresAt } = session
  const after = { generation: 8, macKey: 2, rotatedAt: rotated, retryKey: null, attempt: null, idleExpiresAt }
  t.deepEqual(write, { kind: 'rotate', ...after })
  t.deepEqual(outcome.kind === 'refreshed' && outcome.session, { ...session, ...after })
  t.deepEqual(
    events?.map(({ type }) => type),
    ['session.adopted', 'session.refreshed'],
  )
})

test('security 19: reuse ends the session and is told, without a token', (t) => {
  const { outcome, write, events } = decide({ presented: { generation: 1 } })
  t.deepEqual(outcome, { kind: 'refused', reason: 'reused' })
  t.deepEqual(write, { kind: 'end', reason: 'reuse', at: rules.now })
  t.deepEqual(events, [
    { type: 'session.reused', sid: 'ses_1', client: 'service', presented: 1, generation: 5 },
  ])
})

test('security 18 and 19: whatever comes, only a rotation steps, only reuse ends, and scope never grows', (t) => {
  const scopes = fc.option(fc.subarray(['a', 'b', 'c', 'd']), { nil: undefined })
  const key = fc.option(fc.constantFrom('key', 'other'), { nil: null })
  fc.assert(
    fc.property(
      fc.record({
        generation: fc.integer({ min: 0, max: 8 }),
        counting: fc.constantFrom('once', 'until_expiry', 'always'),
        attempt: fc.constantFrom('attempt-5', 'attempt-6'),
        retryKey: key,
        scopes,
        client: fc.constantFrom('cli_1', 'cli_2'),
        open: scopes.map((open) => new Map([['api', open ?? []]])),
      }),
      fc.record({ retryKey: key, endedAt: fc.constantFrom(null, 1) }),
      fc.record({
        now: fc.integer({ min: 0, max: 10_000_000 }),
        servingSince: fc.integer({ min: 0, max: 10_000_000 }),
        retryWindow: fc.constantFrom(0, window),
      }),
      (presented, stored, measured) => {
        const { outcome, write } = decide({ presented, session: stored, rules: measured })
        if (outcome.kind === 'refreshed') {
          t.true(outcome.scopes.every((scope) => ['a', 'b'].includes(scope)))
          t.true(outcome.scopes.every((scope) => presented.open.get('api')?.includes(scope)))
          const { generation, idleExpiresAt } = outcome.session
          if (presented.counting === 'always') {
            t.true(generation >= presented.generation)
            t.is(write?.kind === 'rotate', presented.generation > session.generation)
            t.is(idleExpiresAt, session.idleExpiresAt)
          } else {
            t.true(generation > presented.generation)
            t.is(write?.kind === 'rotate', presented.generation >= session.generation)
          }
          t.is(session.client, presented.client)
          t.is(stored.endedAt, null)
        } else {
          t.is(write?.kind === 'end', outcome.reason === 'reused')
          t.false(outcome.reason === 'reused' && presented.counting === 'until_expiry')
        }
      },
    ),
    { numRuns: 1_000 },
  )
})
