import { constants, createHmac, createSecretKey, generateKeyPairSync, sign } from 'node:crypto'
import { InvalidTokenError, isRs256PublicKey, parseCompactJws, verifyCompactJws } from '@mintage/verifier/jws'
import test from 'ava'
import { encodePart, forge, goodHeader, privateKey, publicKey, read, refuses } from './token-forge.ts'

const payload = { sub: 'somebody', deep: { list: [1, { a: 'x:y"\\' }] } }
const good = forge(goodHeader, payload)
const [goodH = '', goodP = '', goodS = ''] = good.split('.')

test('a good token gives its header, and its payload once the signature is checked', (t) => {
  const jws = parseCompactJws(good)
  t.deepEqual({ ...jws.header }, goodHeader)
  t.false('payload' in jws)
  t.deepEqual(verifyCompactJws(jws, publicKey), payload)
})

test('the same header is read again for another token', (t) => {
  for (const sub of ['a', 'b', 'c']) t.deepEqual(read(forge(goodHeader, { sub })), { sub })
})

test('more headers than are remembered still verify', (t) => {
  for (let index = 0; index < 40; index++) {
    const token = forge({ ...goodHeader, kid: `key-${index}` }, { index })
    t.is(parseCompactJws(token).header.kid, `key-${index}`)
    t.deepEqual(read(token), { index })
  }
})

test('row 29: only exactly RS256 is accepted', (t) => {
  for (const alg of [
    'none',
    'NONE',
    'None',
    '',
    'rs256',
    'RS256 ',
    'RS384',
    'RS512',
    'PS256',
    'ES256',
    'HS256',
  ]) {
    refuses(t, forge({ ...goodHeader, alg }, payload), 'unsupported_algorithm')
  }
  for (const alg of [null, 1, true, ['RS256'], { alg: 'RS256' }]) {
    refuses(t, forge({ ...goodHeader, alg }, payload), 'unsupported_algorithm')
  }
  refuses(t, forge({ typ: 'at+jwt', kid: 'key-1' }, payload), 'unsupported_algorithm')
  refuses(t, `${encodePart({ alg: 'none', kid: 'key-1' })}.${goodP}.`, 'unsupported_algorithm')
})

test('row 29: HS256 with the public key as its secret is refused, whatever its header says', (t) => {
  const secret = publicKey.export({ type: 'spki', format: 'pem' })
  for (const alg of ['HS256', 'RS256']) {
    const input = `${encodePart({ ...goodHeader, alg })}.${goodP}`
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    refuses(t, token, alg === 'HS256' ? 'unsupported_algorithm' : 'bad_signature')
    refuses(
      t,
      token,
      alg === 'HS256' ? 'unsupported_algorithm' : 'unsuitable_key',
      createSecretKey(Buffer.from(secret)),
    )
  }
})

test('row 29: a PS256 signature under an RS256 header is refused', (t) => {
  const input = `${goodH}.${goodP}`
  const key = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  refuses(t, `${input}.${sign('RSA-SHA256', Buffer.from(input), key).toString('base64url')}`, 'bad_signature')
})

test('row 29: keys of another type, weak keys and private keys verify nothing', (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (const key of [weak.publicKey, pss.publicKey, curve.publicKey, privateKey]) {
    t.false(isRs256PublicKey(key))
    refuses(t, good, 'unsuitable_key', key)
  }
  refuses(t, forge(goodHeader, payload, weak.privateKey), 'unsuitable_key', weak.publicKey)
  t.true(isRs256PublicKey(publicKey))
})

test('row 29: a key that the header brings along is ignored', (t) => {
  const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const extra = {
    jwk: attacker.publicKey.export({ format: 'jwk' }),
    jku: 'https://attacker.example/jwks.json',
    x5u: 'https://attacker.example/chain.pem',
    x5c: ['MIIB'],
  }
  refuses(t, forge({ ...goodHeader, ...extra }, payload, attacker.privateKey), 'bad_signature')
  t.deepEqual(read(forge({ ...goodHeader, ...extra }, payload)), payload)
})

test('row 29: crit and b64 are refused, whatever they hold', (t) => {
  for (const extra of [{ crit: ['exp'] }, { crit: [] }, { crit: null }, { b64: false }, { b64: true }]) {
    refuses(t, forge({ ...goodHeader, ...extra }, payload), 'unsupported_header')
  }
  refuses(t, forge({ ...goodHeader, crit: ['b64'], b64: false }, payload), 'unsupported_header')
})

test('row 29: a JWE and the JSON serialisations are refused', (t) => {
  refuses(t, `${good}.${goodS}.${goodS}`, 'malformed')
  refuses(t, JSON.stringify({ protected: goodH, payload: goodP, signature: goodS }), 'malformed')
  refuses(
    t,
    JSON.stringify({ payload: goodP, signatures: [{ protected: goodH, signature: goodS }] }),
    'malformed',
  )
})

test('a kid is required and must be a string', (t) => {
  for (const kid of [undefined, null, 1, ['key-1'], {}]) {
    refuses(t, forge({ ...goodHeader, kid }, payload), 'malformed')
  }
})

test('a signature by another key, over other content, or cut short is refused', (t) => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
  refuses(t, forge(goodHeader, payload, other.privateKey), 'bad_signature')
  refuses(t, good, 'bad_signature', other.publicKey)
  refuses(t, `${goodH}.${encodePart({ sub: 'admin' })}.${goodS}`, 'bad_signature')
  refuses(t, `${goodH}.${goodP}.`, 'bad_signature')
  refuses(t, `${goodH}.${goodP}.${goodS.slice(0, -2)}`, 'bad_signature')
  refuses(t, `${goodH}.${goodP}.AAAA${goodS}`, 'bad_signature')
})

test('anything but three parts is malformed', (t) => {
  for (const token of [
    '',
    '.',
    '..',
    '...',
    goodH,
    `${goodH}.${goodP}`,
    `${good}.`,
    `.${good}`,
    `${good}.AAAA`,
  ]) {
    refuses(t, token, 'malformed')
  }
  t.throws(() => parseCompactJws(undefined as unknown as string), { instanceOf: InvalidTokenError })
  t.throws(() => parseCompactJws([good] as unknown as string), { instanceOf: InvalidTokenError })
})

test('row 35: an error says its reason in one fixed sentence and nothing of the token', (t) => {
  const canary = 'canary-4711'
  for (const token of [
    forge(goodHeader, canary),
    forge(`{${canary}}`, payload),
    `${goodH}.${canary}*.${goodS}`,
  ]) {
    const error = t.throws(() => read(token), { instanceOf: InvalidTokenError })
    t.is(error?.message, 'The token is malformed.')
    t.is(error?.cause, undefined)
  }
})
