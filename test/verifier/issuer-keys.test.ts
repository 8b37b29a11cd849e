import { generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { makeKey, sendJson, startScriptedIssuer } from './kit/scripted-issuer.ts'
import { becomesState, present, presentUntil, told, watch } from './kit/verifying.ts'

const off = { revocation: 'off' } as const

test('the keys are there before the first token, and fetched once for many', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer, off)
  await watched.verifier.ready()
  t.is(issuer.count('jwks'), 1)
  const tokens = Array.from({ length: 20 }, () => issuer.mint())
  t.deepEqual(
    new Set(await Promise.all(tokens.map((token) => present(watched, token)))),
    new Set(['accepted']),
  )
  t.is(issuer.count('jwks'), 1)
})

test('tokens that come before the keys wait for one fetch', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer, off)
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => present(watched, issuer.mint())))
  t.deepEqual(outcomes, ['accepted', 'accepted', 'accepted', 'accepted'])
  t.is(issuer.count('jwks'), 1)
})

test('row 33: a new key is found by its id', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer, off)
  t.is(await present(watched, issuer.mint()), 'accepted')
  const next = makeKey()
  issuer.keys.push(next)
  t.is(await present(watched, issuer.mint({}, { key: next })), 'accepted')
  t.is(issuer.count('jwks'), 2)
})

test('row 33: unknown ids cause one fetch at a time and one in 30 s, and cost nobody a known key', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer, off)
  const good = issuer.mint()
  t.is(await present(watched, good), 'accepted')
  const flood = async (round: number) => {
    const tokens = Array.from({ length: 200 }, (_, at) =>
      issuer.mint({}, { header: { kid: `${round}-${at}` } }),
    )
    tokens.push(
      issuer.mint({}, { header: { kid: '__proto__' } }),
      issuer.mint({}, { header: { kid: '../../x' } }),
    )
    return new Set(await Promise.all(tokens.map((token) => present(watched, token))))
  }
  t.deepEqual(await flood(1), new Set(['401 unknown_key']))
  t.is(issuer.count('jwks'), 2)
  t.deepEqual(await flood(2), new Set(['401 unknown_key']))
  t.is(issuer.count('jwks'), 2, 'within 30 s nobody is asked again')
  t.is(await present(watched, issuer.mint()), 'accepted')
  watched.clocks.monotonic += 30_001
  t.deepEqual(await flood(3), new Set(['401 unknown_key']))
  t.is(issuer.count('jwks'), 3)
  t.is(await present(watched, good), 'accepted')
})

test('row 33: a key event from the issuer is not held back by the pause', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  const next = makeKey()
  t.is(await present(watched, issuer.mint({}, { key: next })), '401 unknown_key')
  issuer.keys.push(next)
  t.is(await present(watched, issuer.mint({}, { key: next })), '401 unknown_key', 'the pause holds')
  issuer.hintKeys()
  t.is(await presentUntil(watched, issuer.mint({}, { key: next }), 'accepted'), 'accepted')
})

test('row 33: a withdrawn key never comes back, though the JWKS still shows it', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const leaked = makeKey()
  issuer.keys.push(leaked)
  const watched = watch(t, issuer)
  const token = issuer.mint({}, { key: leaked })
  t.is(await present(watched, token), 'accepted')
  issuer.withdraw(leaked.kid, true)
  t.is(await presentUntil(watched, token, '401 unknown_key'), '401 unknown_key')
  const fetches = issuer.count('jwks')
  issuer.hintKeys()
  await eventually(
    async () => issuer.count('jwks'),
    (count) => count > fetches,
  )
  t.is(await present(watched, token), '401 unknown_key')
  t.is(await present(watched, issuer.mint({}, { key: leaked })), '401 unknown_key')
  t.is(await present(watched, issuer.mint()), 'accepted')
})

test('a key that the JWKS no longer shows is refused at once, and for good when it stays away', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const old = makeKey()
  issuer.keys.push(old)
  const watched = watch(t, issuer)
  const token = issuer.mint({}, { key: old })
  t.is(await present(watched, token), 'accepted')
  // Hints come by the stream, so it has to be there.
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  const all = issuer.keys
  issuer.keys = [issuer.key]
  const refetch = async () => {
    // One that is under way may have been answered before the keys changed.
    const asked = issuer.count('jwks')
    issuer.hintKeys()
    await eventually(
      async () => issuer.count('jwks'),
      (count) => count > asked,
    )
    await told(watched, 'keys.loaded', issuer.count('jwks'))
  }
  await refetch()
  t.is(await present(watched, token), '401 unknown_key')
  // A node that lagged behind shows it again; it was never said to be withdrawn.
  issuer.keys = all
  await refetch()
  t.is(await present(watched, token), 'accepted')
  issuer.keys = [issuer.key]
  await refetch()
  watched.clocks.monotonic += 61_000
  await refetch()
  issuer.keys = all
  await refetch()
  t.is(await present(watched, token), '401 unknown_key')
})

test('row 34: while the issuer is away the last known keys hold to the cap, then it is 503 and not 401', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer, { ...off, maxKeyAge: '1h' })
  const token = issuer.mint()
  t.is(await present(watched, token), 'accepted')
  await issuer.stop()
  watched.clocks.monotonic += 3_500_000
  t.is(await present(watched, token), 'accepted')
  t.is(await present(watched, issuer.mint()), 'accepted')
  t.is(await present(watched, issuer.mint({}, { key: makeKey() })), '503 keys', 'it may be a new key')
  watched.clocks.monotonic += 200_000
  t.is(await present(watched, token), '503 keys')
  t.is(await present(watched, issuer.mint()), '503 keys')
  t.is(await present(watched, 'nonsense'), '401 malformed')
  await issuer.start()
  t.is(await presentUntil(watched, token, 'accepted'), 'accepted')
})

test('row 34: the cap counts by the wall clock as well', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer, { ...off, maxKeyAge: '1m' })
  const token = issuer.mint()
  t.is(await present(watched, token), 'accepted')
  await issuer.stop()
  watched.clocks.wall += 61_000
  t.is(await present(watched, token), '503 keys')
})

test('row 34: an issuer that is away from the start is 503, asked once a second at most', async (t) => {
  const issuer = await startScriptedIssuer(t)
  issuer.answers.set('jwks', (_, response) => response.writeHead(500).end())
  const watched = watch(t, issuer, { ...off, monotonicTime: () => 0 })
  t.is(await present(watched, issuer.mint()), '503 keys')
  const asked = issuer.count('jwks')
  for (let at = 0; at < 50; at++) t.is(await present(watched, issuer.mint()), '503 keys')
  t.true(issuer.count('jwks') - asked <= 5, 'only its own timer asked')
  issuer.answers.clear()
  t.is(await presentUntil(watched, issuer.mint(), 'accepted'), 'accepted')
})

test('row 34: answers that are no JWKS change nothing', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  const token = issuer.mint()
  await watched.verifier.ready()
  t.is(await becomesState(watched, 'fresh'), 'fresh')
  const other = await startScriptedIssuer(t)
  const { d, ...open } = issuer.key.privateKey.export({ format: 'jwk' })
  const kid = issuer.key.kid
  const bad: readonly (readonly [
    what: string,
    answer: (response: import('node:http').ServerResponse) => void,
  ])[] = [
    ['an error', (response) => response.writeHead(500).end(JSON.stringify(issuer.jwks()))],
    ['no JSON', (response) => response.end('<html>')],
    ['no keys', (response) => sendJson(response, { keys: [] })],
    ['no set', (response) => sendJson(response, [])],
    ['a private key', (response) => sendJson(response, { keys: [{ ...open, d, kid }] })],
    ['too much', (response) => response.end(JSON.stringify({ ...issuer.jwks(), pad: 'x'.repeat(300_000) }))],
    ['endless', (response) => void setInterval(() => response.write('x'.repeat(65_536)), 1).unref()],
    [
      'a redirect',
      (response) => response.writeHead(302, { Location: `${other.url}/.well-known/jwks.json` }).end(),
    ],
    ['a lost connection', (response) => response.destroy()],
  ]
  for (const [what, answer] of bad) {
    const failed = watched.events.filter(({ type }) => type === 'keys.failed').length
    issuer.answers.set('jwks', (_, response) => answer(response))
    issuer.hintKeys()
    t.true((await told(watched, 'keys.failed', failed + 1)) > failed, what)
    t.is(await present(watched, token), 'accepted', what)
  }
  t.is(other.count('jwks'), 0, 'nobody followed the redirect')
})

test('row 34: an answer that never comes is given up', async (t) => {
  const issuer = await startScriptedIssuer(t)
  issuer.answers.set('jwks', () => undefined)
  const watched = watch(t, issuer, off)
  t.is(await present(watched, issuer.mint()), '503 keys')
})

test('row 34: weak, foreign and ambiguous keys are ignored, the others hold', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const weak = { ...makeKey(), ...generateKeyPairSync('rsa', { modulusLength: 1024 }) }
  const twin = makeKey()
  const encrypting = makeKey()
  const rsa = ({ publicKey, kid }: typeof weak) => ({ ...publicKey.export({ format: 'jwk' }), kid })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  issuer.answers.set('jwks', (_, response) => {
    const foreign = [{ ...curve, kid: 'curve' }, { kty: 'OKP' }, 'nonsense', null, { kty: 'RSA', n: 1, e: 2 }]
    const keys = [
      ...issuer.jwks().keys,
      ...foreign,
      rsa(weak),
      rsa(twin),
      { ...rsa(makeKey()), kid: twin.kid },
      { ...rsa(encrypting), use: 'enc' },
    ]
    sendJson(response, { keys })
  })
  const watched = watch(t, issuer, off)
  await watched.verifier.ready()
  t.deepEqual(watched.events, [{ type: 'keys.loaded', keys: 1 }])
  t.is(await present(watched, issuer.mint()), 'accepted')
  for (const key of [weak, twin, encrypting]) {
    t.is(await present(watched, issuer.mint({}, { key })), '401 unknown_key')
  }
})

test('the keys are renewed before they are too old, with the entity tag, and 304 keeps them', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const watched = watch(t, issuer)
  issuer.answers.set('jwks', (request, response) => {
    response.setHeader('ETag', '"1"')
    response.setHeader('Cache-Control', 'public, max-age=5')
    if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end()
    else sendJson(response, issuer.jwks())
  })
  await watched.verifier.ready()
  const fetches = await eventually(
    async () => issuer.requests.filter(({ route }) => route === 'jwks'),
    (requests) => requests.length >= 2,
  )
  t.is(fetches.at(-1)?.headers['if-none-match'], '"1"')
  t.is(await present(watched, issuer.mint()), 'accepted')
})
