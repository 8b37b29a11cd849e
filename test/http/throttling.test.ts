import test, { type ExecutionContext } from 'ava'
import {
  audience,
  openTestIssuer,
  password,
  startTestIssuer,
  type TestIssuer,
} from '../support/in-process-issuer.ts'
import { basic, type OAuthAnswer } from '../support/oauth.ts'
import { ask, clientToken, login, refresh } from '../support/requests.ts'

/** Believes what tests say of their address. */
const environment = {
  MINTAGE_THROTTLE: 'on',
  MINTAGE_TRUSTED_PROXIES: '127.0.0.1',
  MINTAGE_HASH_QUEUE: '200',
  MINTAGE_SIMPLEJWT_CLIENT: 'app',
  MINTAGE_DRF_JWT_CLIENT: 'app',
  MINTAGE_PYJWT_CLIENT: 'app',
}

let issuer: TestIssuer
test.before(async () => {
  issuer = await openTestIssuer({ environment })
})
test.after.always(() => issuer.stop())

/** Every test has users and networks of its own. */
async function enrol(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await issuer.administration.users.create(name, { email: `${name}@example.org`, password })
  }
}

/** So many failures are let through for one name, or for one client. */
const failures = { user: 10, client: 30 } as const

const at = (address: string) => ({ 'X-Forwarded-For': address })

interface Attempt {
  readonly name: string
  readonly secret?: string
  readonly from?: string
}

function attempt({ name, secret = 'a wrong guess', from = '203.0.113.7' }: Attempt, on = issuer) {
  const form = { grant_type: 'password', client_id: 'app', username: name, password: secret }
  return ask(on, 'token', form, at(from))
}

/** Fails once after another. */
async function use(times: number, fail: () => Promise<OAuthAnswer>): Promise<readonly number[]> {
  const statuses: number[] = []
  for (let n = 0; n < times; n++) statuses.push((await fail()).status)
  return statuses
}

/** All of an answer but what differs between any two. */
const visible = ({ status, headers, text }: OAuthAnswer) => ({
  status,
  text,
  headers: [...headers].filter(([name]) => !['date', 'x-request-id', 'retry-after'].includes(name)),
})

function isThrottled(t: ExecutionContext, answer: OAuthAnswer): void {
  t.is(answer.status, 429, answer.text)
  t.is(answer.body['error'], 'temporarily_unavailable')
  t.regex(answer.headers.get('retry-after') ?? '', /^[1-9]\d{0,3}$/)
  t.is(answer.headers.get('cache-control'), 'no-store')
}

test('row 15: past its failures a name is refused, also with the right password, from any network', async (t) => {
  await enrol('bea')
  const guess = { name: 'bea', from: '203.0.113.1' }
  t.deepEqual(new Set(await use(failures.user, () => attempt(guess))), new Set([400]))
  isThrottled(t, await attempt(guess))
  isThrottled(t, await attempt({ ...guess, secret: password }))
  isThrottled(t, await attempt({ name: 'bea', secret: password, from: '198.51.100.1' }))
  t.is((await attempt({ ...guess, name: 'bob' })).status, 400, 'Another name has its own.')
})

test('row 11, row 15: whether the account exists makes no difference to when and how it is refused', async (t) => {
  await enrol('cleo')
  const series = async (name: string) => {
    const answers: OAuthAnswer[] = []
    for (let n = 0; n < failures.user + 2; n++) answers.push(await attempt({ name, from: '203.0.113.2' }))
    return answers.map(visible)
  }
  const known = await series('cleo')
  t.deepEqual(await series('nobody'), known)
  t.is(known.filter(({ status }) => status === 429).length, 2)
})

test('row 15: spelling a name in another way makes no new budget', async (t) => {
  const from = '203.0.113.3'
  await use(failures.user - 1, () => attempt({ name: 'caf\u00e9', from }))
  t.is((await attempt({ name: 'cafe\u0301', from })).status, 400)
  isThrottled(t, await attempt({ name: 'CAF\u00c9', from }))
})

test('row 15: a hundred simultaneous guesses are no better than so many one after another', async (t) => {
  await enrol('dora')
  const guesses = Array.from({ length: 100 }, () => attempt({ name: 'dora', from: '203.0.113.4' }))
  const statuses = (await Promise.all(guesses)).map(({ status }) => status)
  t.is(statuses.filter((status) => status === 400).length, failures.user)
  t.is(statuses.filter((status) => status === 429).length, 100 - failures.user)
})

test('row 15: a crowd of right passwords is no attack', async (t) => {
  await enrol('ella')
  const from = '203.0.113.5'
  await use(failures.user - 1, () => attempt({ name: 'ella', from }))
  const logins = Array.from({ length: 40 }, () => attempt({ name: 'ella', secret: password, from }))
  const statuses = (await Promise.all(logins)).map(({ status }) => status)
  t.deepEqual(new Set(statuses), new Set([200]))
  t.is((await attempt({ name: 'ella', from: '198.51.100.5' })).status, 400, 'One failure was left.')
  isThrottled(t, await attempt({ name: 'ella', secret: password, from: '198.51.100.6' }))
})

test('row 15: a stranger locks nobody out of where they logged in before, and each place has its own budget', async (t) => {
  await enrol('fay')
  const home = { name: 'fay', secret: password, from: '198.51.100.10' }
  t.is((await attempt(home)).status, 200)
  await use(failures.user, () => attempt({ name: 'fay', from: '203.0.113.10' }))
  isThrottled(t, await attempt({ name: 'fay', secret: password, from: '203.0.113.11' }))
  t.is((await attempt(home)).status, 200)
  await use(failures.user, () => attempt({ name: 'fay', from: home.from }))
  isThrottled(t, await attempt(home))
})

test('row 15: a throttle touches no live session, and a refresh resets nothing', async (t) => {
  await enrol('gwen')
  const extra = { username: 'gwen' }
  const { refresh_token } = await login(issuer, extra, { ...basic(issuer.service), ...at('203.0.113.20') })
  const there = { name: 'gwen', from: '198.51.100.20' }
  await use(failures.user, () => attempt(there))
  isThrottled(t, await attempt({ ...there, secret: password }))
  t.is((await refresh(issuer, refresh_token, {}, at(there.from))).status, 200)
  isThrottled(t, await attempt({ ...there, secret: password }))
})

test('row 15: a network that fails with many names is refused, an IPv6 /64 as one, and who is known there is not', async (t) => {
  await enrol('hope')
  const home = { name: 'hope', secret: password, from: '2001:db8::1' }
  t.is((await attempt(home)).status, 200)
  let names = 0
  const spray = () => attempt({ name: `sprayed-${names++}`, from: `2001:db8::${names.toString(16)}` })
  t.deepEqual(new Set(await use(100, spray)), new Set([400]))
  isThrottled(t, await spray())
  isThrottled(t, await attempt({ name: 'new', from: '2001:db8::ffff:1' }))
  t.is((await attempt(home)).status, 200)
  t.is((await attempt({ name: 'new', from: '2001:db8:0:1::1' })).status, 400)
})

test('row 15: what stands left of the word of a trusted proxy is not believed', async (t) => {
  await enrol('ida')
  const home = '198.51.100.30'
  t.is((await attempt({ name: 'ida', secret: password, from: home })).status, 200)
  await use(failures.user, () => attempt({ name: 'ida', from: '203.0.113.30' }))
  isThrottled(t, await attempt({ name: 'ida', secret: password, from: `${home}, 203.0.113.30` }))
})

test('row 15: this machine itself is no network; behind an untrusted proxy on it everybody is one', async (t) => {
  const own = await startTestIssuer(t, { environment: { MINTAGE_THROTTLE: 'on' } })
  let names = 0
  const form = () => ({ grant_type: 'password', client_id: 'app', username: `n${names++}`, password: 'x' })
  const direct = await use(101, () => ask(own, 'token', form(), {}))
  t.deepEqual(new Set(direct), new Set([400]))
  const proxied = () => ask(own, 'token', form(), at(`203.0.113.${names % 250}`))
  const statuses = await use(101, proxied)
  t.is(statuses.filter((status) => status === 400).length, 100)
  isThrottled(t, await proxied())
})

test('row 15: guesses at a client’s secret are refused at every endpoint, and where it is at home it goes on', async (t) => {
  const grants = ['client_credentials'] as const
  const created = await issuer.administration.clients.create('worker', false, {
    grants,
    audiences: [audience],
  })
  const worker = { id: 'worker', secret: created.secret ?? '' }
  const right = { ...basic(worker), ...at('198.51.100.40') }
  await clientToken(issuer, {}, right)
  const wrong = { ...basic({ id: 'worker', secret: 'a wrong guess' }), ...at('203.0.113.40') }
  const endpoints = ['token', 'introspect', 'revoke'] as const
  const form = { grant_type: 'client_credentials', token: 'x' }
  let asked = 0
  const guess = () => ask(issuer, endpoints[asked++ % 3] ?? 'token', form, wrong)
  t.deepEqual(new Set(await use(failures.client, guess)), new Set([401]))
  const there = { ...basic(worker), ...at('203.0.113.40') }
  for (const endpoint of endpoints) isThrottled(t, await ask(issuer, endpoint, form, there))
  const stream = await fetch(`${issuer.url}/status-lists/events`, { headers: there })
  t.is(stream.status, 429)
  await clientToken(issuer, {}, right)
  t.is((await ask(issuer, 'introspect', form, right)).status, 200)
})

test('row 15: who shows a token of a live session is heard, however many guessed at the secret of its client', async (t) => {
  const created = await issuer.administration.clients.create('portal', false, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
  })
  const portal = { id: 'portal', secret: created.secret ?? '' }
  await enrol('kate')
  const there = { ...basic(portal), ...at('203.0.113.45') }
  const { refresh_token } = await login(issuer, { username: 'kate' }, there)
  const guess = { ...basic({ id: 'portal', secret: 'a wrong guess' }), ...at('203.0.113.45') }
  await use(failures.client, () => refresh(issuer, 'mrt_x', {}, guess))
  isThrottled(t, await refresh(issuer, 'mrt_x', {}, there))
  isThrottled(t, await ask(issuer, 'token', { grant_type: 'password', username: 'kate', password }, there))
  isThrottled(t, await ask(issuer, 'token', { grant_type: 'password', refresh_token }, there))
  const other = await login(issuer, { username: 'kate' }, { ...basic(issuer.service), ...at('203.0.113.46') })
  isThrottled(t, await refresh(issuer, other.refresh_token, {}, there))
  const refreshed = await refresh(issuer, refresh_token, {}, there)
  t.is(refreshed.status, 200)
  t.is(
    (await refresh(issuer, refresh_token, {}, there)).body['refresh_token'],
    refreshed.body['refresh_token'],
  )
  t.is((await refresh(issuer, refresh_token, {}, guess)).status, 401)
})

test('row 15: simultaneous guesses at a client’s secret are no better, and one that does not exist is refused alike', async (t) => {
  await issuer.administration.clients.create('batch', false, { grants: ['client_credentials'] })
  for (const id of ['batch', 'no-such-client']) {
    const headers = { ...basic({ id, secret: 'a wrong guess' }), ...at('203.0.113.41') }
    const guess = () => ask(issuer, 'token', { grant_type: 'client_credentials' }, headers)
    const statuses = (await Promise.all(Array.from({ length: 60 }, guess))).map(({ status }) => status)
    t.is(statuses.filter((status) => status === 401).length, failures.client, id)
    t.is(statuses.filter((status) => status === 429).length, 60 - failures.client, id)
  }
})

test('row 15: a public client that only names itself is not counted', async (t) => {
  const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: 'mrt_x' }
  const statuses = await use(failures.client + 5, () => ask(issuer, 'token', form, at('203.0.113.50')))
  t.deepEqual(new Set(statuses), new Set([400]))
})

test('row 15, row 17: a login that finds the queue for hashing full is no failure', async (t) => {
  const own = await startTestIssuer(t, {
    environment: { ...environment, MINTAGE_BCRYPT_COST: '10', MINTAGE_HASH_QUEUE: '0' },
  })
  const logins = Array.from({ length: 10 }, () => attempt({ name: 'ada', secret: password }, own))
  const statuses = (await Promise.all(logins)).map(({ status }) => status)
  t.true(statuses.includes(503))
  t.true(statuses.every((status) => status === 200 || status === 503))
  const left = await use(failures.user, () => attempt({ name: 'ada', from: '198.51.100.1' }, own))
  t.deepEqual(new Set(left), new Set([400]), 'All failures are left.')
})

test('row 15: the Django formats answer a throttled login as Django REST framework does', async (t) => {
  await enrol('jane')
  const send = async (path: string, body: object) => {
    const headers = { 'Content-Type': 'application/json', ...at('203.0.113.60') }
    const answer = await fetch(`${issuer.url}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return { status: answer.status, wait: answer.headers.get('retry-after'), body: await answer.json() }
  }
  for (let n = 0; n < failures.user; n++) {
    t.is((await send('/api/token/', { username: 'jane', password: 'wrong' })).status, 401)
  }
  for (const path of ['/api/token/', '/api-token-auth/']) {
    const { status, wait, body } = await send(path, { username: 'jane', password })
    t.is(status, 429)
    t.deepEqual(body, { detail: `Request was throttled. Expected available in ${wait} seconds.` })
  }
  for (let n = 0; n < failures.user; n++) {
    t.is((await send('/auth/login/', { email: 'jane@example.org', password: 'wrong' })).status, 401)
  }
  const { status, wait, body } = await send('/auth/login/', { email: 'Jane@Example.org', password })
  t.is(status, 429)
  t.deepEqual(body, {
    error: `Request was throttled. Expected available in ${wait} seconds.`,
    code: 'THROTTLED',
  })
})

test('row 15, row 39: an attack is one event and one audit row, not one for each attempt', async (t) => {
  const own = await startTestIssuer(t, { environment: { ...environment, MINTAGE_ADMIN_PORT: '0' } })
  await use(failures.user + 20, () => attempt({ name: 'ada' }, own))
  await use(failures.user + 20, () => attempt({ name: 'my password by mistake' }, own))
  const rows = (await own.store.audit.tail(100)).map(({ event }) => event)
  const throttled = rows.filter(({ type }) => type === 'login.throttled')
  t.is(throttled.length, 2)
  t.like(throttled[0], { by: 'name', user: own.user.id })
  t.false('user' in (throttled[1] ?? {}))
  t.false(JSON.stringify(rows).includes('mistake'))
  const metrics = await (await fetch(`${own.adminUrl}/metrics`)).text()
  t.regex(metrics, /mintage_throttle_refusals_total\{kind="user",by="name"\} 40/)
  t.regex(metrics, /mintage_events_total\{type="login.throttled"\} 2/)
})

test('row 15: without throttling nothing is counted', async (t) => {
  const own = await startTestIssuer(t, { environment: { ...environment, MINTAGE_THROTTLE: 'off' } })
  const statuses = await use(failures.user + 5, () => attempt({ name: 'ada' }, own))
  t.deepEqual(new Set(statuses), new Set([400]))
})
