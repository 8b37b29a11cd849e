import { generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { examineConfig } from '../../src/config.ts'

const secret = 'django-insecure-k%3v!q0w8z&n1m5x7c9b2l4j6h8g0f2d4s6a8p1o3i5u7y'
const until = '2999-12-31T00:00:00Z'

function examine(environment: Readonly<Record<string, string>>) {
  return examineConfig({ environment: { MINTAGE_SIMPLEJWT_CLIENT: 'web', ...environment } })
}

test('a secret is a key of HS256, a PEM one of RS256, be it the private one', (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  for (const [key, algorithm] of [
    [secret, 'HS256'],
    [publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'RS256'],
    [privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'RS256'],
  ] as const) {
    const { config, warnings } = examine({ MINTAGE_DJANGO_KEY: key, MINTAGE_DJANGO_KEY_UNTIL: until })
    t.is(config?.foreignKey?.key.algorithm, algorithm)
    t.is(config?.foreignKey?.until, Date.parse(until))
    t.deepEqual(warnings, [])
  }
})

test('a guessable secret and weak or broken PEM are refused, and not repeated', (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const pem = weak.export({ type: 'spki', format: 'pem' }).toString()
  for (const key of ['x'.repeat(31), pem, '-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----']) {
    const { problems } = examine({ MINTAGE_DJANGO_KEY: key, MINTAGE_DJANGO_KEY_UNTIL: until })
    t.is(problems.length, 1)
    t.regex(problems[0] ?? '', /^MINTAGE_DJANGO_KEY .*expected a secret of at least 32 bytes/)
    t.false(problems[0]?.includes(key))
  }
})

test('the old key ends at a time that somebody chose', (t) => {
  t.regex(examine({ MINTAGE_DJANGO_KEY: secret }).problems.join(), /MINTAGE_DJANGO_KEY_UNTIL is missing/)
  for (const text of ['2026-12-31', '2026-12-31T00:00:00', 'next year', '2026-13-31T00:00:00Z']) {
    const { problems } = examine({ MINTAGE_DJANGO_KEY: secret, MINTAGE_DJANGO_KEY_UNTIL: text })
    t.regex(problems.join(), /MINTAGE_DJANGO_KEY_UNTIL .*expected a time with its zone/, text)
  }
})

test('a key that counts no more, or has no endpoint, is warned of', (t) => {
  const past = examine({ MINTAGE_DJANGO_KEY: secret, MINTAGE_DJANGO_KEY_UNTIL: '2020-01-31T12:00:00Z' })
  t.truthy(past.config)
  t.regex(past.warnings.join(), /2020-01-31T12:00:00\.000Z, environment\) has passed/)
  const alone = examineConfig({
    environment: { MINTAGE_DJANGO_KEY: secret, MINTAGE_DJANGO_KEY_UNTIL: until },
  })
  t.regex(alone.warnings.join(), /no effect without MINTAGE_SIMPLEJWT_CLIENT/)
  t.regex(
    examine({ MINTAGE_DJANGO_KEY_UNTIL: until }).warnings.join(),
    /no effect without MINTAGE_DJANGO_KEY/,
  )
})
