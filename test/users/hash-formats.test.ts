import { readFileSync } from 'node:fs'
import test from 'ava'
import fc from 'fast-check'
import { BcryptSha256 } from '../../src/users/hashes/bcrypt-sha256.ts'
import { defineFormat, type HashFormat } from '../../src/users/hashes/hash-format.ts'
import { currentFormat, isUnusable, judgeHash, otherFormats } from '../../src/users/hashes/known-formats.ts'
import { PasswordHasher } from '../../src/users/password-hash.ts'

interface Made {
  readonly format: string
  readonly password: string
  readonly encoded: string
}

/** Made by make-django-hashes.py beside it. */
const django: {
  readonly cheap: readonly Made[]
  readonly default: readonly Made[]
  readonly unusable: readonly string[]
} = JSON.parse(readFileSync(new URL('../../../test/users/made-by-django.json', import.meta.url), 'utf8'))

/** From the documents that define the formats, or the test suites of their reference implementations. */
const published: readonly Made[] = [
  // RFC 6070 §2 and the SHA-256 of the same, in Django's clothes; the last is Django's own (auth_tests/test_hashers.py).
  {
    format: 'pbkdf2_sha1',
    password: 'password',
    encoded: 'pbkdf2_sha1$4096$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=',
  },
  {
    format: 'pbkdf2_sha256',
    password: 'password',
    encoded: 'pbkdf2_sha256$4096$salt$xeR41ZKIyEGqUw22hFxMjZYok6ABzk4RpJY4c6qYE0o=',
  },
  // RFC 7914 §12.
  {
    format: 'scrypt',
    password: 'password',
    encoded:
      'scrypt$1024$NaCl$8$16$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA==',
  },
  {
    format: 'scrypt',
    password: 'pleaseletmein',
    encoded:
      '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
  },
  // The reference implementation of Argon2 (src/test.c), of version 16 too, whose texts say no version.
  {
    format: 'argon2',
    password: 'password',
    encoded: '$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8',
  },
  {
    format: 'argon2',
    password: 'password',
    encoded: '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
  },
  {
    format: 'argon2',
    password: 'password',
    encoded: '$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY',
  },
  // Openwall's crypt_blowfish (wrapper.c); $2y$ is what PHP writes.
  {
    format: 'bcrypt',
    password: 'U*U',
    encoded: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  },
  {
    format: 'bcrypt',
    password: 'U*U*',
    encoded: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK',
  },
  {
    format: 'bcrypt',
    password: 'U*U',
    encoded: '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  },
  {
    format: 'bcrypt',
    password: 'U*U',
    encoded: '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
  },
  // README of github.com/firebase/scrypt.
  {
    format: 'firebase-scrypt',
    password: 'user1password',
    encoded:
      '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==' +
      '$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
  },
  {
    format: 'firebase-scrypt',
    password: 'user1password',
    encoded:
      '$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==' +
      '$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
  },
]

const hasher = new PasswordHasher(currentFormat, otherFormats, { cost: 4 })
const check = (password: string, encoded: string, upgrade = false) =>
  hasher.verify({ password, encoded, normalised: false, upgrade })

for (const { format, password, encoded } of [...django.cheap, ...django.default, ...published]) {
  const name = `${JSON.stringify(password.slice(0, 30))} of ${encoded.slice(0, 24)}…`
  test(`a hash of ${format} that was made elsewhere is its password's: ${name}`, async (t) => {
    t.deepEqual(judgeHash(encoded), { format })
    t.deepEqual(await check(password, encoded), { ok: true })
    for (const other of [`${password}x`, password.slice(0, -1), password.toUpperCase()]) {
      // Plain bcrypt repeats a password with a NUL between, and many are one to it; these are not.
      if (other !== password) t.deepEqual(await check(other, encoded), { ok: false }, other)
    }
  })
}

test('the next login replaces a hash of every format by one of ours', async (t) => {
  for (const { format, password, encoded } of django.cheap) {
    const { ok, upgraded = '' } = await check(password, encoded, true)
    t.true(ok)
    t.true(upgraded.startsWith('bcrypt_sha256$$2b$04$'), format)
    t.deepEqual(
      await hasher.verify({ password, encoded: upgraded, normalised: true, upgrade: true }),
      { ok: true },
      format,
    )
  }
})

test('row 12: what plain bcrypt cut at 72 bytes counts whole after the first login', async (t) => {
  const [made] = published.filter(({ format }) => format === 'bcrypt')
  t.truthy(made)
  const long = 'p'.repeat(72)
  // bcryptjs.hashSync('p'.repeat(80), 4), which ends at 72.
  const encoded = '$2b$04$' + (await import('bcryptjs')).hashSync(`${long}tail`, 4).slice(7)
  t.true((await check(`${long}other`, encoded)).ok)
  const { upgraded = '' } = await check(`${long}tail`, encoded, true)
  t.true((await check(`${long}tail`, upgraded)).ok)
  t.false((await check(`${long}other`, upgraded)).ok)
})

const salted = `$${'c'.repeat(22)}$${'a'.repeat(43)}`

/** Well-formed, and nothing that a login may be made to do; and what is said. */
const absurd: readonly (readonly [encoded: string, problem: RegExp])[] = [
  [`pbkdf2_sha256$1000000000$salt$${'A'.repeat(43)}=`, /pbkdf2_sha256, but its iterations are 1,000,000,000/],
  [`pbkdf2_sha256$0$salt$${'A'.repeat(43)}=`, /its iterations are 0, and a login here takes 1 to 10,000,000/],
  [`pbkdf2_sha1$99999999999$salt$${'A'.repeat(27)}=`, /pbkdf2_sha1, but its iterations are 99,999,999,999/],
  [
    `bcrypt_sha256$$2b$31$${'a'.repeat(53)}`,
    /bcrypt_sha256, but its cost is 31, and a login here takes 4 to 16/,
  ],
  [`$2b$31$${'a'.repeat(53)}`, /bcrypt, but its cost is 31/],
  [`bcrypt$$2a$17$${'a'.repeat(53)}`, /bcrypt, but its cost is 17/],
  [`$argon2id$v=19$m=4194304,t=1,p=1${salted}`, /argon2, but its memory in KiB is 4,194,304/],
  [`argon2$argon2i$v=19$m=102400,t=1000000,p=8${salted}`, /argon2, but its passes are 1,000,000/],
  [`$argon2id$v=19$m=8,t=1,p=2${salted}`, /argon2, but its memory in KiB is 8, and a login here takes 16/],
  [`$argon2id$v=19$m=262144,t=1,p=16777215${salted}`, /argon2, but its lanes are 16,777,215/],
  [`scrypt$1073741824$salt$8$5$${'A'.repeat(86)}==`, /scrypt, but its cost N is 1,073,741,824/],
  [`scrypt$16383$salt$8$5$${'A'.repeat(86)}==`, /scrypt, but its cost N is no power of two/],
  [`scrypt$16384$salt$99999$5$${'A'.repeat(86)}==`, /scrypt, but its block size is 99,999/],
  // RFC 7914 §2: N is less than 2 to the power of 128 × r / 8.
  [`scrypt$65536$salt$1$1$${'A'.repeat(86)}==`, /scrypt, but its cost N is past what its block size allows/],
  [`$scrypt$ln=17,r=1,p=1${salted}`, /scrypt, but its cost N is past what its block size allows/],
  [
    `$firescrypt$ln=16,r=1,p=1$c2FsdA==$${'A'.repeat(43)}=$Bw==$${'A'.repeat(43)}=`,
    /firebase-scrypt, but its cost N is past what its block size allows/,
  ],
  [`$scrypt$ln=30,r=8,p=1${salted}`, /scrypt, but its cost N is 1,073,741,824/],
  [`$scrypt$ln=17,r=8,p=64${salted}`, /scrypt, but N × r × p is 67,108,864/],
  [
    `$firescrypt$ln=31,r=8,p=1$c2FsdA==$${'A'.repeat(43)}=$Bw==$${'A'.repeat(43)}=`,
    /firebase-scrypt, but its cost N is 2,147,483,648/,
  ],
  [`md5$${'s'.repeat(2_000)}$${'0'.repeat(32)}`, /it is longer than 1024 characters/],
  [
    'sha1$a1976$a36cc8cbf81742a8fb52e221aaeab48ed7f58ab4',
    /no format that a login here can check \(known: bcrypt_sha256, /,
  ],
  ['$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8', /no format/],
  ['plain text', /no format/],
]

for (const [encoded, problem] of absurd) {
  test(`a hash that would exhaust a thread, or is none, is told and never run: ${encoded.slice(0, 40)}`, async (t) => {
    const judged = judgeHash(encoded)
    t.regex('problem' in judged ? judged.problem : '', problem)
    // Run, most of these would take minutes, and the rest be refused by the library with an error.
    t.deepEqual(await check('password', encoded), { ok: false })
    for (const secret of ['aaaaa', 'AAAAA'])
      t.false(('problem' in judged ? judged.problem : '').includes(secret))
  })
}

test('the dearest scrypt that a block size allows is taken, and run', async (t) => {
  const encoded = `scrypt$32768$salt$1$1$${'A'.repeat(86)}==`
  t.deepEqual(judgeHash(encoded), { format: 'scrypt' })
  t.deepEqual(await check('password', encoded), { ok: false })
})

test('a stored text that its library refuses is nobody’s password, and never an error', async (t) => {
  const taken = { parse: () => 0, findExcess: () => undefined, work: () => 16 }
  const refusing = defineFormat<number>({
    ...taken,
    id: 'refusing',
    matches() {
      throw new RangeError('Invalid scrypt params')
    },
  })
  const missing = defineFormat<number>({
    ...taken,
    id: 'missing',
    matches: () => Promise.reject(new Error('Cannot find the library')),
  })
  const login = (format: HashFormat) =>
    new PasswordHasher(currentFormat, [format], { cost: 4 }).verify({
      ...{ password: 'x', encoded: 'stored', normalised: false, upgrade: true },
    })
  t.deepEqual(await login(refusing), { ok: false })
  await t.throwsAsync(login(missing), { message: /Cannot find/ }, 'Not the fault of the text, so it is told.')
})

test('Django’s unusable passwords are told from hashes', async (t) => {
  for (const encoded of [...django.unusable, '!', '', '*']) {
    t.true(isUnusable(encoded))
    t.deepEqual(await check('', encoded), { ok: false })
    t.deepEqual(await check(encoded, encoded), { ok: false })
  }
  for (const { encoded } of [...django.cheap, ...published]) t.false(isUnusable(encoded))
})

test('a hash that is cut, lengthened or mangled is nobody’s, and never an error', async (t) => {
  const samples = [...django.cheap.filter(({ password }) => password !== ''), ...published].filter(
    // The dear ones would make this slow, and their forms are among the rest.
    ({ encoded }) => !/ln=14|\$16384\$/.test(encoded),
  )
  const mangled = fc
    .tuple(fc.constantFrom(...samples), fc.nat(), fc.string({ maxLength: 3 }), fc.nat(3))
    .map(([{ password, encoded }, at, put, taken]) => {
      const place = at % (encoded.length + 1)
      return { password, encoded, other: encoded.slice(0, place) + put + encoded.slice(place + taken) }
    })
  await fc.assert(
    fc.asyncProperty(mangled, async ({ password, encoded, other }) => {
      // Dearer than what it was: seconds each.
      const costs = (text: string) => [...text.matchAll(/\d{2,}/g)].map(Number)
      fc.pre(
        other !== encoded && !costs(other).some((cost) => cost > 5_000 || !costs(encoded).includes(cost)),
      )
      await t.notThrowsAsync(check(password, other))
    }),
    { numRuns: 300, seed: 7 },
  )
})

test('row 11: what a hash costs is measured, and a failure padded to the current cost by it', async (t) => {
  let now = 0
  let burnt = 0
  const bcrypt = {
    hashSync: () => '',
    compareSync(_: string, hash: string) {
      const iterations = 2 ** Number(hash.slice(4, 6))
      burnt += iterations
      now += iterations
      return false
    },
  }
  const { HashStopwatch } = await import('../../src/users/hash-stopwatch.ts')
  const foreign = (took: number) => ({
    ...{ id: 'other', recognises: () => true, findProblem: () => undefined, needsUpgrade: () => true },
    verify() {
      now += took
      return false
    },
    work: () => 'other 1',
  })
  const stopwatch = new HashStopwatch(() => now)
  const verify = (took: number) =>
    new PasswordHasher(new BcryptSha256(bcrypt), [foreign(took)], { cost: 12 }, stopwatch).verify({
      ...{ password: 'x', encoded: 'other$', normalised: true, upgrade: true },
    })
  for (const [took, padding] of [
    [1024, 4096 - 1024],
    // Interrupted: the median of those of one cost counts.
    [3008, 4096 - 1024],
    [3008, 4096 - 3008],
    [512, 4096 - 1024],
  ] as const) {
    burnt = 0
    await verify(took)
    t.is(burnt, padding)
  }
  burnt = 0
  await new PasswordHasher(
    new BcryptSha256(bcrypt),
    [foreign(9000)],
    { cost: 12 },
    new HashStopwatch(() => now),
  ).verify({ password: 'x', encoded: 'other$', normalised: true, upgrade: true })
  t.is(burnt, 512, 'A dearer one cannot be hidden.')
})
