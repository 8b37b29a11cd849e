import test from 'ava'
import { ConfigError, readConfig } from '../../src/config.ts'

type Case = readonly [environment: Readonly<Record<string, string>>, said: RegExp]

const postgres = { MINTAGE_DATABASE_URL: 'postgres://db/mintage' }

const refused: readonly Case[] = [
  [postgres, /^MINTAGE_STATE_DIR is missing: on PostgreSQL .* expected the path of a directory\.$/],
  [
    { MINTAGE_ADMIN_PORT: '8080' },
    /^MINTAGE_ADMIN_PORT \(8080, environment\) is the same as MINTAGE_PORT \(8080, default\)/,
  ],
  [{ MINTAGE_ADMIN_PORT: '8080', MINTAGE_HOST: 'localhost' }, /^MINTAGE_ADMIN_PORT/],
  [{ MINTAGE_ADMIN_PORT: '8080', MINTAGE_HOST: '0.0.0.0' }, /^MINTAGE_ADMIN_PORT/],
  [{ MINTAGE_ADMIN_PORT: '8080', MINTAGE_ADMIN_HOST: '::' }, /^MINTAGE_ADMIN_PORT/],
  [
    { MINTAGE_ACCESS_TOKEN_TTL: '9h', MINTAGE_SESSION_TTL: '8h', MINTAGE_SESSION_IDLE_TTL: '1h' },
    /^MINTAGE_ACCESS_TOKEN_TTL \(9h, environment\) is longer than MINTAGE_SESSION_TTL \(8h, environment\)/,
  ],
]
for (const [environment, said] of refused) {
  test(`refused: ${JSON.stringify(environment)}`, (t) => {
    const { message = '' } = t.throws(() => readConfig(environment), { instanceOf: ConfigError }) ?? {}
    t.regex(message, said)
    t.is(message.split('\n').length, 1, message)
  })
}

const warned: readonly Case[] = [
  [
    { MINTAGE_PORT: '8081' },
    /^MINTAGE_ADMIN_PORT \(8081, default\) is the same as MINTAGE_PORT .*: there is no admin listener/,
  ],
  [
    { MINTAGE_KEY_ROTATION: '5m' },
    /^MINTAGE_KEY_ROTATION \(5m, environment\) is shorter than a key must be published/,
  ],
  [{ MINTAGE_CORS_ORIGINS: 'http://app.test' }, /^MINTAGE_CORS_ORIGINS has http:\/\/app\.test/],
  [{ MINTAGE_TRUSTED_PROXIES: '10.0.0.0/8,0.0.0.0/0' }, /^MINTAGE_TRUSTED_PROXIES has 0\.0\.0\.0\/0/],
  [{ MINTAGE_TRUSTED_PROXIES: '::/0' }, /^MINTAGE_TRUSTED_PROXIES has ::\/0/],
]
for (const [environment, said] of warned) {
  test(`warned of: ${JSON.stringify(environment)}`, (t) => {
    const { warnings } = readConfig(environment)
    t.is(warnings.length, 1)
    t.regex(warnings[0] ?? '', said)
  })
}

const safe: readonly Readonly<Record<string, string>>[] = [
  { ...postgres, MINTAGE_STATE_DIR: '/srv/state' },
  { MINTAGE_PORT: '8081', MINTAGE_ADMIN_PORT: 'off' },
  { MINTAGE_PORT: '0', MINTAGE_ADMIN_PORT: '0' },
  { MINTAGE_PORT: '8081', MINTAGE_HOST: '10.0.0.1', MINTAGE_ADMIN_HOST: '10.0.0.2' },
  // The default is cut to the session's life; nobody asked for more.
  { MINTAGE_SESSION_TTL: '2m', MINTAGE_SESSION_IDLE_TTL: '1m' },
  { MINTAGE_CORS_ORIGINS: 'http://localhost:3000, https://app.example' },
  { MINTAGE_TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8, 192.0.2.1' },
  { MINTAGE_DATABASE_URL: 'sqlite:///srv/mintage.db' },
]
for (const environment of safe) {
  test(`safe: ${JSON.stringify(environment)}`, (t) => t.deepEqual(readConfig(environment).warnings, []))
}

const values: readonly (readonly [name: string, ...values: string[]])[] = [
  ['MINTAGE_HOST', 'http://x', '0.0.0.0:80', 'a b', '[::1]', '-x', 'x/y'],
  ['MINTAGE_ADMIN_PORT', 'none', '65536', 'OFF'],
  [
    'MINTAGE_CORS_ORIGINS',
    '*',
    'https://*.example',
    'null',
    'https://app.example/',
    'app.example',
    'file:///x',
  ],
  ['MINTAGE_TRUSTED_PROXIES', 'proxy', '10.0.0.0/33', '::/129', '10.0.0.1-10.0.0.9'],
  ['MINTAGE_STREAM_SUBSCRIBERS', '0', 'many'],
  ['MINTAGE_DATABASE_URL', 'sqlite::memory:', 'sqlite://data.db', 'postgres://', 'postgres://u:p#w@h/d'],
  ['MINTAGE_THROTTLE', 'true', 'ON'],
]
for (const [name, ...bad] of values) {
  for (const value of bad) {
    test(`${name}=${value} is refused`, (t) => {
      const { message = '' } =
        t.throws(() => readConfig({ [name]: value }), { instanceOf: ConfigError }) ?? {}
      t.true(message.startsWith(`${name} `), message)
      t.regex(message, /: expected /)
    })
  }
}

test('a previous vault key goes with another one that is current', (t) => {
  const key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'
  t.throws(() => readConfig({ MINTAGE_VAULT_KEY_PREVIOUS: key }), {
    message: /^MINTAGE_VAULT_KEY is missing: /,
  })
  const same = { MINTAGE_VAULT_KEY: key, MINTAGE_VAULT_KEY_PREVIOUS: key }
  const error = t.throws(() => readConfig(same), { message: /is the same as MINTAGE_VAULT_KEY: unset it/ })
  t.false(error?.message.includes(key))
  const other = readConfig({ ...same, MINTAGE_VAULT_KEY: `_${key.slice(1)}` })
  t.deepEqual(other.vaultKeyPrevious?.[0], 0)
  t.deepEqual([other.vaultKey?.length, other.warnings.length], [32, 0])
})

const random = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'
for (const value of [
  'short',
  'A'.repeat(43),
  'changeme'.repeat(6).slice(0, 43),
  `${random}=`,
  `${random}A`,
]) {
  test(`security 40: the vault key ${value} is refused and not repeated`, (t) => {
    const thrown = t.throws(() => readConfig({ MINTAGE_VAULT_KEY: value }), { instanceOf: ConfigError })
    t.regex(thrown?.message ?? '', /^MINTAGE_VAULT_KEY .*: expected 32 random bytes in base64url/)
    t.false(thrown?.message.includes(value))
  })
}

test('what Kubernetes injects for services with longer names is ignored too, with one warning', (t) => {
  const environment: Record<string, string> = {}
  for (const service of ['MINTAGE', 'MINTAGE_ADMIN', 'MINTAGE_METRICS_V2']) {
    environment[`${service}_SERVICE_HOST`] = '10.0.0.1'
    environment[`${service}_SERVICE_PORT`] = '8081'
    environment[`${service}_SERVICE_PORT_HTTP_METRICS`] = '8081'
    environment[`${service}_PORT`] = 'tcp://10.0.0.1:8081'
    environment[`${service}_PORT_8081_TCP`] = 'tcp://10.0.0.1:8081'
    environment[`${service}_PORT_8081_TCP_PROTO`] = 'tcp'
    environment[`${service}_PORT_8081_TCP_PORT`] = '8081'
    environment[`${service}_PORT_8081_TCP_ADDR`] = '10.0.0.1'
  }
  const { warnings, ...config } = readConfig(environment)
  const { warnings: none, ...defaults } = readConfig({})
  t.deepEqual(config, defaults)
  t.deepEqual(none, [])
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /: ignored, as Kubernetes injects /)
  for (const name of Object.keys(environment)) t.true(warnings[0]?.includes(name), name)
})

test('what only resembles it is refused like any other', (t) => {
  const names = ['MINTAGE_SERVICE_HOSTS', 'MINTAGE_PORT_TCP', 'MINTAGE_ADMIN_PORT_8081', 'MINTAGE_X_PORT']
  for (const name of names) {
    t.throws(() => readConfig({ [name]: '8081' }), { message: new RegExp(`^${name} is unknown`) })
  }
})
