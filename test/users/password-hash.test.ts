import test from 'ava'
import { compareSync, hashSync } from 'bcryptjs'
import { type Bcrypt, BcryptSha256 } from '../../src/users/hashes/bcrypt-sha256.ts'
import type { HashFormat } from '../../src/users/hashes/hash-format.ts'
import {
  checkPassword,
  InvalidPasswordError,
  maxPasswordBytes,
  normalisePassword,
  PasswordHasher,
  type VerificationRequest,
} from '../../src/users/password-hash.ts'

/** The cost of every operation of bcrypt, in the order in which they were done. */
function countingBcrypt(): { readonly bcrypt: Bcrypt; readonly costs: number[] } {
  const costs: number[] = []
  const bcrypt = {
    hashSync(password: string, cost: number): string {
      costs.push(cost)
      return hashSync(password, cost)
    },
    compareSync(password: string, hash: string): boolean {
      costs.push(Number(hash.slice(4, 6)))
      return compareSync(password, hash)
    },
  }
  return { bcrypt, costs }
}

const cost = 6
const hasher = new PasswordHasher(new BcryptSha256(), [], { cost })
const password = 'correct horse battery staple'

function verify(encoded: string | undefined, request: Partial<VerificationRequest> = {}, by = hasher) {
  return by.verify({ password, encoded, normalised: true, upgrade: true, ...request })
}

/**
 * Made by Django 5.2.19 with bcrypt 5.0.0: a subclass of `BCryptSHA256PasswordHasher` with `rounds = 4`, its
 * `encode(password, salt())`. The last one has Django's own 12 rounds.
 */
const madeByDjango: readonly (readonly [password: string, encoded: string])[] = [
  [password, 'bcrypt_sha256$$2b$04$OkVdJDl0l3b.sFzEmVi9ienU9I8Qq0aANrI94p62Cw3V2lPWajrYy'],
  ['x'.repeat(100), 'bcrypt_sha256$$2b$04$/TGyi2hrxkiX.jxNOoiP4OR7m3tD3gEYkd52Gw5.W2HhE56H26x.S'],
  ['before\0after nul byte', 'bcrypt_sha256$$2b$04$KUJ9DlqCUh2jcLZv23w1DOekk0Cudo/NYyE4oLTqIII2BLLFUfi/2'],
  [
    'pass \u{1f510}\u{1f984} word phrase',
    'bcrypt_sha256$$2b$04$ncMLjXTQjsFcQM6qfB1B5OuiXGw.u5uc7ERO7RziMuSiOVfiSXhhS',
  ],
  [
    'ma\u00f1ana ser\u00e1 otro d\u00eda',
    'bcrypt_sha256$$2b$04$Yz9RV9kVU8Sb.aF/wLUTU.iEsiclrk58SRCLpEtFPBPONZRO.jAG6',
  ],
  [
    'man\u0303ana sera\u0301 otro di\u0301a',
    'bcrypt_sha256$$2b$04$aYla..0k3ToCL0tHEYE0XOAgJBIEnTsNN5vFCz9vhmzgXGtQyK.NK',
  ],
  [password, 'bcrypt_sha256$$2b$12$Kcd5RJEKWTb1oQizNw57F.cvHhfPS.EnLx4qO4tSNcd0px.sFiaui'],
]

test("Django's hashes are read, each by its own password only", async (t) => {
  for (const [right, encoded] of madeByDjango) {
    const request = { encoded, normalised: false, upgrade: false }
    t.true((await hasher.verify({ ...request, password: right })).ok, right)
    t.false((await hasher.verify({ ...request, password: `${right} ` })).ok, right)
  }
})

test("our hashes have Django's form, with a salt of their own", (t) => {
  const encoded = hasher.hash(password)
  t.regex(encoded, /^bcrypt_sha256\$\$2b\$06\$[./A-Za-z0-9]{53}$/)
  t.not(encoded, hasher.hash(password))
})

test('row 12: nothing is cut, neither at 72 bytes nor at a NUL', async (t) => {
  for (const start of [
    'x'.repeat(72),
    'x'.repeat(71),
    `${'\u{1f984}'.repeat(18)}`,
    'x\0',
    '\0',
    'x'.repeat(4_000),
  ]) {
    const encoded = hasher.hash(`${start}a`)
    t.true((await verify(encoded, { password: `${start}a` })).ok)
    for (const other of [`${start}b`, start, `${start}a\0`, `${start}aa`]) {
      t.false((await verify(encoded, { password: other })).ok)
    }
  }
})

test('row 12: sixty-four characters of any kind are accepted, and the bound is counted in bytes', (t) => {
  for (const character of ['x', '\u00fc', '\u6f22', '\u{1f984}', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}']) {
    t.notThrows(() => checkPassword(character.repeat(64)))
  }
  t.notThrows(() => checkPassword('x'.repeat(maxPasswordBytes)))
  t.notThrows(() => checkPassword('\u{1f984}'.repeat(maxPasswordBytes / 4)))
  const error = t.throws(() => checkPassword('x'.repeat(maxPasswordBytes + 1)), {
    instanceOf: InvalidPasswordError,
  })
  t.is(error?.message, 'A password has at most 4096 bytes in UTF-8; this one is longer.')
  t.throws(() => checkPassword('\u{1f984}'.repeat(maxPasswordBytes / 4 + 1)), {
    instanceOf: InvalidPasswordError,
  })
})

test('row 13: what we hash is normalised, so that every way to type it is right', async (t) => {
  for (const [one, other] of [
    ['ma\u00f1ana', 'man\u0303ana'],
    ['\u1e69', 's\u0307\u0323'],
    ['\ud55c\uad6d', '\u1112\u1161\u11ab\u1100\u116e\u11a8'],
    ['\u212b', '\u00c5'],
  ] as const) {
    t.true((await verify(hasher.hash(one), { password: other })).ok)
    t.true((await verify(hasher.hash(other), { password: one })).ok)
  }
})

test('row 13: canonical forms only: what merely looks alike stays apart', async (t) => {
  t.is(normalisePassword('\ufb01'), '\ufb01')
  for (const [one, other] of [
    ['o\ufb03ce', 'office'],
    ['x\u00b2', 'x2'],
    ['\uff21', 'A'],
    ['A', 'a'],
    ['a', 'a\u200b'],
    ['\u{1f468}\u200d\u{1f469}', '\u{1f468}\u{1f469}'],
  ] as const) {
    t.false((await verify(hasher.hash(one), { password: other })).ok)
  }
})

test('row 13: an imported hash is checked as the password came', async (t) => {
  const [[composed, ofComposed], [decomposed, ofDecomposed]] = [madeByDjango[4] ?? [], madeByDjango[5] ?? []]
  const request = { normalised: false, upgrade: false }
  t.true((await verify(ofDecomposed, { ...request, password: decomposed ?? '' })).ok)
  t.false((await verify(ofDecomposed, { ...request, password: composed ?? '' })).ok)
  t.false((await verify(ofComposed, { ...request, password: decomposed ?? '' })).ok)
})

test('row 13: half a surrogate pair is refused, since UTF-8 would make it equal to another', (t) => {
  for (const broken of ['\ud800', 'a\udc00b', '\udc00\ud800', '\ud83e']) {
    const error = t.throws(() => checkPassword(broken), { instanceOf: InvalidPasswordError })
    t.false(error?.message.includes(broken))
  }
  t.notThrows(() => checkPassword('\ud83e\udd84'))
})

test('row 11: an unknown user, an unusable password and a wrong password do the work of one hash', async (t) => {
  const { bcrypt, costs } = countingBcrypt()
  const counted = new PasswordHasher(new BcryptSha256(bcrypt), [], { cost })
  const right = counted.hash(password)
  for (const encoded of [
    ...[undefined, '', '!', '!3kd9', 'md5$salt$0123', 'argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA'],
    ...['$2b$06$' + '.'.repeat(53), `${right} `, right.slice(0, -1), right.replace('$06$', '$31$')],
  ]) {
    costs.length = 0
    t.deepEqual(await verify(encoded, {}, counted), { ok: false })
    t.deepEqual(costs, [cost], encoded)
  }
  costs.length = 0
  t.deepEqual(await verify(right, { password: 'wrong' }, counted), { ok: false })
  t.deepEqual(costs, [cost])
})

test('row 11: the stand-in for a missing hash is nobody’s password', async (t) => {
  const dummy = new BcryptSha256().dummy(cost)
  t.true(new BcryptSha256().recognises(dummy))
  for (const guess of ['', password, '.']) t.false((await verify(dummy, { password: guess })).ok)
})

test('row 11: a cheaper hash is padded to exactly the current work, and so is a right password without upgrade', async (t) => {
  const { bcrypt, costs } = countingBcrypt()
  const counted = new PasswordHasher(new BcryptSha256(bcrypt), [], { cost })
  const [, cheap] = madeByDjango[0] ?? []
  for (const request of [{ password: 'wrong' }, { upgrade: false }]) {
    costs.length = 0
    const { ok } = await verify(cheap, { ...request, normalised: false }, counted)
    t.is(ok, 'upgrade' in request)
    t.is(
      costs.reduce((sum, each) => sum + 2 ** each, 0),
      2 ** cost,
      costs.join(),
    )
  }
})

test('row 11: a foreign format states its work and is padded from it', async (t) => {
  const foreign = (work: number): HashFormat => ({
    id: 'plain',
    recognises: (encoded) => encoded.startsWith('plain$'),
    findProblem: () => undefined,
    verify: async (given, encoded) => encoded === `plain$${given}`,
    needsUpgrade: () => true,
    work: () => work,
  })
  for (const [work, padding] of [
    [0, [6]],
    [1, [4, 5]],
    [16, [4, 5]],
    [40, [4]],
    [64, []],
    [500, []],
  ] as const) {
    const { bcrypt, costs } = countingBcrypt()
    const counted = new PasswordHasher(new BcryptSha256(bcrypt), [foreign(work)], { cost })
    t.deepEqual(await verify('plain$other', {}, counted), { ok: false })
    t.deepEqual(costs, [...padding], String(work))
    const { ok, upgraded = '' } = await verify(`plain$${password}`, { normalised: false }, counted)
    t.true(ok)
    t.deepEqual(costs, [...padding, cost])
    t.deepEqual(await verify(upgraded), { ok: true })
  }
})

test('a login replaces a hash of another cost, and leaves one of the current cost alone', async (t) => {
  t.deepEqual(await verify(hasher.hash(password)), { ok: true })
  for (const other of [4, 7]) {
    const old = new PasswordHasher(new BcryptSha256(), [], { cost: other }).hash(password)
    const { ok, upgraded = '' } = await verify(old)
    t.true(ok)
    t.regex(upgraded, /\$06\$/)
    t.deepEqual(await verify(upgraded), { ok: true })
    t.deepEqual(await verify(old, { upgrade: false }), { ok: true })
    t.deepEqual(await verify(old, { password: 'wrong' }), { ok: false })
  }
})

test('an imported hash of the current cost becomes a normalised one, without work where it is one already', async (t) => {
  const { bcrypt, costs } = countingBcrypt()
  const counted = new PasswordHasher(new BcryptSha256(bcrypt), [], { cost: 4 })
  const [[composed = '', ofComposed], [decomposed = '', ofDecomposed]] = [
    madeByDjango[4] ?? [],
    madeByDjango[5] ?? [],
  ]
  const plain = await verify(ofComposed, { password: composed, normalised: false }, counted)
  t.deepEqual(plain, { ok: true, ...(ofComposed !== undefined && { upgraded: ofComposed }) })
  t.deepEqual(costs, [4])
  const { upgraded } = await verify(ofDecomposed, { password: decomposed, normalised: false }, counted)
  t.not(upgraded, ofDecomposed)
  t.deepEqual(await verify(upgraded, { password: composed }, counted), { ok: true })
})

test('a cost that would hold a thread for minutes is not recognised', (t) => {
  const format = new BcryptSha256()
  for (const [digits, recognised] of [
    ['03', false],
    ['04', true],
    ['16', true],
    ['17', false],
    ['31', false],
  ] as const) {
    t.is(format.recognises(`bcrypt_sha256$$2b$${digits}$${'a'.repeat(53)}`), recognised)
  }
})
