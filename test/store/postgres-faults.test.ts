import test, { type ExecutionContext } from 'ava'
import { startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import type { Event } from '../../src/events/event.ts'
import { openDatabase } from '../../src/store/database.ts'
import { StoreUnavailableError } from '../../src/store/errors.ts'
import type { Decide } from '../../src/store/redeemer.ts'
import { openStore, Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/in-process-issuer.ts'
import { registerAccounts } from '../support/installation.ts'
import { basic, type OAuthAnswer, post, toPair } from '../support/oauth.ts'
import { postgresServer, usePostgresDatabase, usePostgresInstallation } from '../support/postgres-database.ts'
import { endForReuse, type Stepped, step, stepped } from './redeeming.ts'
import { insertSession, session } from './test-database.ts'

const faulty = postgresServer === undefined ? test.skip : test.serial

/** An issuer that reaches its database through the proxy, and a store that looks past it. */
async function startOnPostgres(t: ExecutionContext, changes: Readonly<Record<string, string>> = {}) {
  const { database, environment: usual } = await usePostgresInstallation(t)
  const { directUrl, proxy } = database
  const environment = { ...usual, MINTAGE_LOG_LEVEL: 'silent', ...changes }
  const { service } = await registerAccounts({ ...environment, MINTAGE_DATABASE_URL: directUrl })
  const running = await startIssuer({ config: readConfig(environment) })
  t.teardown(() => running.stop('end of test'))
  const store = await openStore({ url: directUrl })
  t.teardown(() => store.close())
  return { issuer: { url: running.url, service }, store, proxy }
}

type Issuer = Awaited<ReturnType<typeof startOnPostgres>>['issuer']

function login(issuer: Issuer): Promise<OAuthAnswer> {
  const form = { grant_type: 'password', username: 'ada', password }
  return post(`${issuer.url}/oauth2/token`, form, basic(issuer.service))
}

function refresh(issuer: Issuer, token: string): Promise<OAuthAnswer> {
  const form = { grant_type: 'refresh_token', refresh_token: token }
  return post(`${issuer.url}/oauth2/token`, form, basic(issuer.service))
}

/** Together with others, prepared, or alone. */
const rotation = /mintage_rotate|UPDATE sessions SET generation/

for (const fault of ['answer-lost', 'never-arrives'] as const) {
  faulty(
    `row 19: a refresh whose commit is in doubt (${fault}) is made once, without a window`,
    async (t) => {
      // Nothing but the id of the attempt tells this retry from a theft.
      const { issuer, store, proxy } = await startOnPostgres(t, { MINTAGE_REFRESH_RETRY_WINDOW: '0s' })
      let token = toPair(await login(issuer)).refresh_token
      for (let round = 1; round <= 5; round++) {
        proxy.failCommit(fault, rotation)
        const answer = await refresh(issuer, token)
        t.is(answer.status, 200, answer.text)
        t.is(proxy.faults, round)
        const successor = toPair(answer).refresh_token
        t.not(successor, token)
        token = successor
      }
      const [found] = await store.sessions.page({}, 10)
      t.like(found, { generation: 5, endedAt: null })
      t.deepEqual(
        (await store.audit.tail(100, { type: 'session.reused' })).map(({ event }) => event.type),
        [],
      )
    },
  )
}

faulty('a session that went on elsewhere while its redemption was in doubt is not ended', async (t) => {
  const { url, directUrl, proxy } = await usePostgresDatabase(t)
  const store = await openStore({ url })
  const other = await openStore({ url: directUrl })
  t.teardown(() => Promise.all([store.close(), other.close()]))
  await insertSession(store, session('a'))
  proxy.failCommit('answer-lost', rotation)
  let decisions = 0
  const redeemed = store.redeem<Stepped | 'reused'>('handle-a', (found, now, since) => {
    decisions++
    return decisions === 1 ? step(found, now, since) : endForReuse(found, now, since)
  })
  await t.throwsAsync(redeemed, { instanceOf: StoreUnavailableError })
  t.is(decisions, 2)
  t.like(await other.sessions.findByHandle('handle-a'), { generation: 1, endedAt: null })
  t.false(store.availability.isDown, 'A session in doubt is no outage.')
})

faulty('nor is it when the commit of the repetition is in doubt as well', async (t) => {
  const { url, directUrl, proxy } = await usePostgresDatabase(t)
  const store = await openStore({ url })
  const other = await openStore({ url: directUrl })
  t.teardown(() => Promise.all([store.close(), other.close()]))
  await insertSession(store, session('a'))
  proxy.failCommit('answer-lost', rotation)
  let decisions = 0
  const redeemed = store.redeem<Stepped | 'reused'>('handle-a', (found, now, since) => {
    decisions++
    if (decisions === 1) return step(found, now, since)
    if (decisions === 3) return endForReuse(found, now, since)
    proxy.failCommit('answer-lost', /FOR UPDATE OF s/)
    return { outcome: found?.session.generation ?? 'unknown' }
  })
  await t.throwsAsync(redeemed, { instanceOf: StoreUnavailableError })
  t.is(decisions, 3)
  t.is(proxy.faults, 2)
  t.like(await other.sessions.findByHandle('handle-a'), { generation: 1, endedAt: null })
})

faulty('row 19: every member of a group whose commit is in doubt is made once', async (t) => {
  for (const fault of ['answer-lost', 'never-arrives'] as const) {
    const { url, proxy } = await usePostgresDatabase(t)
    const told: string[] = []
    const store = await openStore({ url, onEvent: (event) => told.push(event.type) })
    t.teardown(() => store.close())
    const names = Array.from({ length: 20 }, (_, index) => `s${index}`)
    for (const name of names) await insertSession(store, session(name))
    proxy.failCommit(fault, rotation)
    // A generation that is there already was made by the commit without an answer.
    const once: Decide<Stepped> = (found, now, since) =>
      found?.session.attempt === 'attempt-0' ? { outcome: 1 } : step(found, now, since)
    const outcomes = await Promise.all(names.map((name) => store.redeem(`handle-${name}`, once)))
    t.deepEqual(new Set(outcomes), new Set([1]))
    t.is(proxy.faults, 1)
    for (const name of names) t.is((await store.sessions.findByHandle(`handle-${name}`))?.generation, 1)
    t.deepEqual(
      told,
      names.map(() => 'session.refreshed'),
    )
  }
})

faulty('a session that somebody holds keeps nobody waiting but its own client', async (t) => {
  const { url } = await usePostgresDatabase(t)
  const store = await openStore({ url })
  t.teardown(() => store.close())
  for (const name of ['a', 'b', 'c']) await insertSession(store, session(name))
  const done: string[] = []
  const redeemed: Promise<unknown>[] = []
  await store.transaction(async (tx) => {
    await tx.sessions.end({ sid: 'ses_b' }, 'revoked_by_client', tx.now)
    for (const name of ['a', 'b', 'c']) {
      const outcome = store.redeem(`handle-${name}`, step)
      redeemed.push(outcome.then((found) => done.push(`${name}: ${found}`)))
    }
    await Promise.all([redeemed[0], redeemed[2]])
    t.deepEqual(done.toSorted(), ['a: 1', 'c: 1'])
  })
  await Promise.all(redeemed)
  t.is(done[2], 'b: ended')
})

faulty('what the server refuses of one session is refused to nobody beside it', async (t) => {
  const { url } = await usePostgresDatabase(t)
  const store = await openStore({ url })
  t.teardown(() => store.close())
  for (const name of ['a', 'b', 'c']) await insertSession(store, session(name))
  const poison: Decide<Stepped> = (found, now, since) => {
    const { write, ...decision } = step(found, now, since)
    return write?.kind === 'rotate' ? { ...decision, write: { ...write, attempt: 'no \0 text' } } : decision
  }
  const [a, b, c] = await Promise.allSettled([
    store.redeem('handle-a', step),
    store.redeem('handle-b', poison),
    store.redeem('handle-c', step),
  ])
  t.deepEqual(a, { status: 'fulfilled', value: 1 })
  t.is(b?.status, 'rejected')
  t.deepEqual(c, { status: 'fulfilled', value: 1 })
  t.is((await store.sessions.findByHandle('handle-b'))?.generation, 0)
  t.false(store.availability.isDown)
})

faulty('a statement that the server has forgotten, as behind a pooler, is said again', async (t) => {
  const { directUrl } = await usePostgresDatabase(t)
  await (await openStore({ url: directUrl })).close()
  const database = openDatabase(directUrl, { pool: 1 })
  const store = new Store(database, { url: directUrl })
  t.teardown(() => store.close())
  await insertSession(store, session('a'))
  t.is(await store.redeem('handle-a', step), 1)
  const named = async () => {
    const { rows } = await database.knex.raw(
      "SELECT 1 FROM pg_prepared_statements WHERE name LIKE 'mintage_%'",
    )
    return rows.length
  }
  t.is(await named(), 2)
  await database.knex.raw('DEALLOCATE ALL')
  t.is(await store.redeem('handle-a', step), 2)
  t.is(await store.redeem('handle-a', step), 3)
  t.is(await named(), 0)
})

faulty('an adoption whose commit is in doubt is told once, when it is found', async (t) => {
  const { url, proxy } = await usePostgresDatabase(t)
  const told: string[] = []
  const store = await openStore({ url, onEvent: (event) => told.push(event.type) })
  t.teardown(() => store.close())
  await insertSession(store, session('a'))
  proxy.failCommit('answer-lost', rotation)
  const generation = await store.redeem<Stepped>('handle-a', (found, now, since) => {
    const decision = step(found, now, since)
    if (!found) return decision
    if (found.session.generation > 0) {
      return {
        outcome: found.session.generation,
        events: [{ ...stepped(found.session), outcome: 'retried' } as Event],
      }
    }
    const adoption: Event = { type: 'session.adopted', sid: 'ses_a', client: 'service', from: 0, to: 1 }
    return { ...decision, events: [adoption, stepped(found.session)] }
  })
  t.is(generation, 1)
  t.is(proxy.faults, 1)
  t.deepEqual(told, ['session.adopted', 'session.refreshed'])
  t.is((await store.audit.tail(10, { type: 'session.adopted' })).length, 1)
})

faulty('a pool without a free connection is no outage, and suspends nothing', async (t) => {
  const { url } = await usePostgresDatabase(t)
  const store = await openStore({ url, pool: 1 })
  t.teardown(() => store.close())
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const holding = store.transaction(() => held)
  await t.throwsAsync(
    store.transaction(async () => undefined),
    { instanceOf: StoreUnavailableError, message: /no connection became free/ },
  )
  t.false(store.availability.isDown)
  release()
  await holding
})

faulty('a server that takes nobody and says nothing is an outage', async (t) => {
  const { url, proxy } = await usePostgresDatabase(t)
  const store = await openStore({ url })
  t.teardown(() => store.close())
  await store.transaction(async () => undefined)
  proxy.freeze()
  await t.throwsAsync(
    store.transaction(async () => undefined),
    { instanceOf: StoreUnavailableError },
  )
  t.true(store.availability.isDown)
  proxy.thaw()
  await eventually(
    () => store.isUsable(),
    (isUsable) => isUsable,
    10_000,
  )
  t.false(store.availability.isDown)
})

faulty('an end for reuse whose commit is in doubt is told once, and is the same end', async (t) => {
  const { url, proxy } = await usePostgresDatabase(t)
  const told: string[] = []
  const store = await openStore({ url, onEvent: (event) => told.push(event.type) })
  t.teardown(() => store.close())
  await insertSession(store, session('a'))
  proxy.failCommit('answer-lost', /UPDATE sessions SET ended_at/)
  t.is(await store.redeem('handle-a', endForReuse), 'reused')
  t.is(proxy.faults, 1)
  t.deepEqual(told, ['session.reused'])
  t.is((await store.audit.tail(10)).length, 1)
})

faulty('a login whose commit is in doubt is refused with Retry-After, and the next one works', async (t) => {
  const { issuer, proxy } = await startOnPostgres(t)
  // The places of sessions are reserved by the first.
  toPair(await login(issuer))
  proxy.failCommit('answer-lost', /insert into "sessions"/)
  const doubtful = await login(issuer)
  t.is(doubtful.status, 503, doubtful.text)
  t.truthy(doubtful.headers.get('retry-after'))
  t.is((await login(issuer)).status, 200)
})

faulty('a transaction whose connection breaks before its commit runs again, and is told once', async (t) => {
  const { url, proxy } = await usePostgresDatabase(t)
  const told: string[] = []
  const store = await openStore({ url, onEvent: (event) => told.push(event.type) })
  t.teardown(() => store.close())
  let runs = 0
  await store.transaction(async (tx) => {
    runs++
    await tx.sessions.insert(session('a'))
    await tx.record({ type: 'session.revoked', sid: 'ses_a', reason: 'reuse' })
    if (runs > 1) return
    proxy.breakThose(/insert into "sessions"/)
    await tx.sessions.findBySid('ses_a')
  })
  t.is(runs, 2)
  t.deepEqual(told, ['session.revoked'])
  t.is((await store.audit.tail(10)).length, 1)
})

faulty(
  'a server that falls silent costs a 503 within the deadline, and none once another answers',
  async (t) => {
    const { issuer, proxy } = await startOnPostgres(t)
    let token = toPair(await login(issuer)).refresh_token
    token = toPair(await refresh(issuer, token)).refresh_token
    proxy.freeze()
    const silent = await refresh(issuer, token)
    t.is(silent.status, 503, silent.text)
    t.truthy(silent.headers.get('retry-after'))
    proxy.thaw()
    // The connections from before stay silent, and cost nobody else a wait.
    const answer = await eventually(
      () => refresh(issuer, token),
      ({ status }) => status === 200,
      5_000,
    )
    t.is(answer.status, 200, answer.text)
    t.is((await refresh(issuer, toPair(answer).refresh_token)).status, 200)
  },
)

faulty('what the pool has of a server that went away is not given to those who come later', async (t) => {
  const { url, proxy } = await usePostgresDatabase(t)
  const store = await openStore({ url, pool: 4 })
  t.teardown(() => store.close())
  for (const name of ['a', 'b', 'c', 'd']) await insertSession(store, session(name))
  const step4 = () =>
    Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => store.redeem(`handle-${name}`, step)))
  t.true((await step4()).every(({ status }) => status === 'fulfilled'))
  proxy.freeze()
  await t.throwsAsync(store.redeem('handle-a', step), { instanceOf: StoreUnavailableError })
  proxy.thaw()
  t.deepEqual(
    (await step4()).map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
  )
})

faulty('a change is heard while listening, and found by looking where nothing can be heard', async (t) => {
  const { url, directUrl, proxy } = await usePostgresDatabase(t)
  const store = await openStore({ url })
  const other = await openStore({ url: directUrl })
  t.teardown(() => Promise.all([store.close(), other.close()]))
  let heard = 0
  store.changes.on('clients', () => heard++)
  const change = async () => {
    const before = heard
    await other.transaction(async (tx) => tx.changed('clients'))
    return eventually(
      async () => heard > before,
      (isHeard) => isHeard,
      10_000,
    )
  }
  t.true(await change())
  proxy.breakThose(/LISTEN mintage/)
  t.true(await change())
  await proxy.shut()
  const before = heard
  await other.transaction(async (tx) => tx.changed('clients'))
  await proxy.open()
  t.true(
    await eventually(
      async () => heard > before,
      (isHeard) => isHeard,
      10_000,
    ),
  )
})

faulty(
  'after a connection that broke every topic is told: the same numbers may stand for other changes',
  async (t) => {
    const { url, proxy } = await usePostgresDatabase(t)
    const store = await openStore({ url })
    t.teardown(() => store.close())
    const topics = ['clients', 'keys', 'status', 'throttles'] as const
    const heard = new Set<string>()
    for (const topic of topics) store.changes.on(topic, () => heard.add(topic))
    const other = await openStore({ url })
    await other.transaction(async (tx) => tx.changed('clients'))
    await eventually(
      async () => heard.size,
      (size) => size > 0,
      10_000,
    )
    await other.close()
    t.deepEqual([...heard], ['clients'])
    proxy.breakThose(/LISTEN mintage/)
    await eventually(
      async () => heard.size,
      (size) => size === topics.length,
      10_000,
    )
    t.deepEqual([...heard].sort(), [...topics])
  },
)
