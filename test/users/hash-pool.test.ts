import test from 'ava'
import { OverloadedError } from '../../src/lib/overloaded-error.ts'
import { HashPool } from '../../src/users/hash-pool.ts'
import { InvalidPasswordError } from '../../src/users/password-hash.ts'

const password = 'correct horse battery staple'

function createPool(
  t: { teardown(close: () => Promise<void>): void },
  options: { cost?: number; threads?: number; queue?: number } = {},
) {
  const pool = new HashPool({ cost: 4, threads: 1, queue: 64, ...options })
  t.teardown(() => pool.close())
  return pool
}

test('what the pool hashes it verifies', async (t) => {
  const pool = createPool(t)
  const encoded = await pool.hash(password)
  t.regex(encoded, /^bcrypt_sha256\$\$2b\$04\$/)
  t.deepEqual(await pool.verify(password, encoded, { normalised: true }), { ok: true })
  t.deepEqual(await pool.verify('wrong', encoded, { normalised: true }), { ok: false })
  t.deepEqual(await pool.verify(password, undefined, { normalised: true }), { ok: false })
  t.deepEqual(await pool.verify(password, '!', { normalised: true }), { ok: false })
})

test('the threads check what was hashed elsewhere, and what would exhaust them fails as a wrong password does', async (t) => {
  const pool = createPool(t)
  for (const [encoded, secret] of [
    ['$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc', 'password'],
    ['pbkdf2_sha1$4096$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=', 'password'],
    ['$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'U*U'],
  ] as const) {
    const { ok, upgraded } = await pool.verify(secret, encoded, { normalised: false })
    t.true(ok)
    t.regex(upgraded ?? '', /^bcrypt_sha256/)
    t.deepEqual(await pool.verify('wrong', encoded, { normalised: false }), { ok: false })
  }
  for (const absurd of [
    'pbkdf2_sha1$1000000000$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE=',
    '$argon2id$v=19$m=4194304,t=9,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
  ]) {
    t.deepEqual(await pool.verify('password', absurd, { normalised: false }), { ok: false })
  }
})

test('row 13: NUL, emoji and both Unicode forms reach the threads whole', async (t) => {
  const pool = createPool(t)
  const encoded = await pool.hash('n\0u\u0308 \u{1f984}')
  t.true((await pool.verify('n\0\u00fc \u{1f984}', encoded, { normalised: true })).ok)
  t.false((await pool.verify('n', encoded, { normalised: true })).ok)
})

test('an old cost is upgraded on the way, unless the account may not log in', async (t) => {
  const old = await createPool(t).hash(password)
  const pool = createPool(t, { cost: 5 })
  const { ok, upgraded } = await pool.verify(password, old, { normalised: true })
  t.true(ok)
  t.regex(upgraded ?? '', /\$05\$/)
  t.deepEqual(await pool.verify(password, old, { normalised: true, upgrade: false }), { ok: true })
})

test('row 12: what cannot be a password is refused before it reaches a thread, for any user alike', async (t) => {
  const pool = createPool(t, { queue: 0, threads: 0 })
  const tooLong = 'x'.repeat(4_097)
  await t.throwsAsync(pool.hash(tooLong), { instanceOf: InvalidPasswordError })
  await t.throwsAsync(pool.verify(tooLong, undefined, { normalised: true }), {
    instanceOf: InvalidPasswordError,
  })
  await t.throwsAsync(pool.verify('\ud800', 'x', { normalised: true }), { instanceOf: InvalidPasswordError })
})

test('row 17: threads and queue are bounded together; past them a call is refused at once and later ones pass', async (t) => {
  const pool = createPool(t, { threads: 2, queue: 3 })
  const taken = Array.from({ length: 5 }, () => pool.hash(password))
  await t.throwsAsync(pool.hash(password), { instanceOf: OverloadedError })
  await t.throwsAsync(pool.verify(password, undefined, { normalised: true }), {
    instanceOf: OverloadedError,
  })
  const hashes = await Promise.all(taken)
  t.is(new Set(hashes).size, 5)
  await t.notThrowsAsync(pool.hash(password))
})

test('row 17: the event loop goes on answering while many passwords are hashed', async (t) => {
  const pool = createPool(t, { cost: 8 })
  await pool.hash(password)
  let turns = 0
  const done: number[] = []
  const turning = setInterval(() => turns++, 1)
  t.teardown(() => clearInterval(turning))
  await Promise.all(Array.from({ length: 12 }, () => pool.hash(password).then(() => done.push(turns))))
  // Hashing on this thread would leave no turn between one hash and the next.
  t.true((done[0] ?? 0) > 0)
  t.true(new Set(done).size >= 3, done.join())
})

test('closing waits for what runs and waits, takes nothing new, and may come first', async (t) => {
  const pool = createPool(t)
  const taken = Array.from({ length: 4 }, () => pool.hash(password))
  const closing = pool.close()
  await t.throwsAsync(pool.hash(password), { message: /was closed/ })
  await closing
  t.is((await Promise.all(taken)).length, 4)
  await t.notThrowsAsync(pool.close())
  await t.notThrowsAsync(new HashPool({ cost: 4, threads: 1, queue: 1 }).close())
})
