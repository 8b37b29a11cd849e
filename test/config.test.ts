import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ConfigError, readConfig } from '../src/config.ts'
import { day, minute, second } from '../src/lib/durations.ts'

/** What the configuration says of an environment that it refuses. */
function complain(t: ExecutionContext, environment: Record<string, string>): string {
  return t.throws(() => readConfig(environment), { instanceOf: ConfigError })?.message ?? ''
}

function writeValue(t: ExecutionContext, value: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-config-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'value')
  writeFileSync(path, value)
  return path
}

test('without any variable the defaults of the interface hold', (t) => {
  const { hashThreads, ...config } = readConfig({})
  t.true(hashThreads >= 1)
  t.deepEqual(config, {
    issuer: undefined,
    host: '127.0.0.1',
    port: 8080,
    databasePool: 10,
    databaseUrl: 'sqlite:./data/mintage.db',
    keysDir: './keys',
    vaultKey: undefined,
    vaultKeyPrevious: undefined,
    keyRotation: 30 * day,
    keyBits: 2048,
    accessTokenTtl: 15 * minute,
    sessionIdleTtl: 7 * day,
    sessionTtl: 90 * day,
    refreshRetryWindow: 30 * second,
    jwksMaxAge: 5 * minute,
    bcryptCost: 12,
    hashQueue: 64,
    hashWait: 5 * second,
    issueQueue: 1024,
    passwordMinLength: 15,
    maxConnections: 10_000,
    auditRetention: 730 * day,
    logLevel: 'info',
    adminHost: '127.0.0.1',
    adminPort: 8081,
    adminPortChosen: false,
    stateDir: undefined,
    streamSubscribers: 10_000,
    throttle: true,
    trustedProxies: [],
    djangoClients: { simplejwt: undefined, drfJwt: undefined, pyjwt: undefined },
    foreignKey: undefined,
    corsOrigins: [],
    warnings: [],
  })
})

test('variables of others, and empty ones, are left alone', (t) => {
  t.deepEqual(readConfig({ PATH: '/bin', mintage_port: '1', MINTAGE_PORT: '' }), readConfig({}))
})

const wrong: readonly (readonly [name: string, ...values: string[]])[] = [
  ['MINTAGE_PORT', '-1', '65536', '8080x', '0x50', '1e3', ' 80', 'http', '1.5'],
  ['MINTAGE_DATABASE_URL', 'mysql://x', 'sqlite:', 'data.db', 'file:x'],
  ['MINTAGE_KEY_ROTATION', '0s', '30', '30 d', '1y', '-1d', '4000d', 'd'],
  ['MINTAGE_KEY_BITS', '1024', '2047', '8192', 'many'],
  ['MINTAGE_ACCESS_TOKEN_TTL', '0s', '999ms', '25h', '15M'],
  ['MINTAGE_SESSION_IDLE_TTL', '0s', '4000d'],
  ['MINTAGE_SESSION_TTL', '0s', '4000d'],
  ['MINTAGE_REFRESH_RETRY_WINDOW', '61m', '-1s', '30'],
  ['MINTAGE_JWKS_MAX_AGE', '0s', '25h'],
  ['MINTAGE_BCRYPT_COST', '3', '17', '12.5'],
  ['MINTAGE_HASH_THREADS', '0', '257'],
  ['MINTAGE_HASH_QUEUE', '-1', '100001'],
  ['MINTAGE_PASSWORD_MIN_LENGTH', '0', '65'],
  ['MINTAGE_MAX_CONNECTIONS', '0', '1000001'],
  ['MINTAGE_LOG_LEVEL', 'INFO', 'verbose'],
  [
    'MINTAGE_ISSUER',
    'issuer.example',
    'http://issuer.example',
    'https://',
    'https:issuer.example',
    'https:\\\\issuer.example',
    'https://issuer.example?',
    'https://issuer.example?a=b',
    'https://issuer.example#x',
    'https://issuer.example/ x',
    ' https://issuer.example',
    'https://user@issuer.example',
    'https://user:word@issuer.example',
    'https://:word@issuer.example',
    'https://issuer.example/"x"',
    'https://münchen.example',
    'ftp://issuer.example',
    'javascript:alert(1)',
  ],
]
for (const [name, ...values] of wrong) {
  for (const value of values) {
    test(`${name}=${value} is refused by its name, with what was expected`, (t) => {
      const message = complain(t, { [name]: value })
      t.true(message.startsWith(`${name} `), message)
      t.regex(message, /expected/)
      t.is(message.split('\n').length, 1, message)
    })
  }
}

for (const issuer of [
  'https://issuer.example',
  'https://issuer.example/',
  'https://Issuer.Example:8443/Tenant/',
  'HTTPS://ISSUER.EXAMPLE',
  'http://localhost:8080',
  'http://127.0.0.1',
  'http://[::1]:8080',
]) {
  test(`security 27: the issuer ${issuer} is taken as it is`, (t) => {
    t.is(readConfig({ MINTAGE_ISSUER: issuer }).issuer, issuer)
  })
}

test('every problem is told at once', (t) => {
  const message = complain(t, { MINTAGE_PORT: 'x', MINTAGE_KEY_BITS: '1', MINTAGE_PROT: '1' })
  for (const name of ['MINTAGE_PORT ', 'MINTAGE_KEY_BITS ', 'MINTAGE_PROT ']) t.true(message.includes(name))
  t.is(message.split('\n').length, 3)
})

test('an unknown variable is refused by its name', (t) => {
  for (const name of [
    'MINTAGE_',
    'MINTAGE_PROT',
    'MINTAGE_ISSUER_',
    'MINTAGE___PROTO__',
    'MINTAGE_PROT_FILE',
  ]) {
    t.regex(complain(t, { [name]: '/dev/null' }), new RegExp(`^${name} is unknown`))
  }
})

test('a value is read from a file, without the line break at its end', (t) => {
  const path = writeValue(t, '9090\n')
  t.is(readConfig({ MINTAGE_PORT_FILE: path }).port, 9_090)
  t.is(readConfig({ MINTAGE_KEYS_DIR_FILE: writeValue(t, '/a b\r\n') }).keysDir, '/a b')
})

test('a value that is set twice, and a file that cannot be read, are refused by their names', (t) => {
  const path = writeValue(t, '9090')
  t.regex(complain(t, { MINTAGE_PORT: '1', MINTAGE_PORT_FILE: path }), /^MINTAGE_PORT is set twice/)
  const message = complain(t, { MINTAGE_PORT_FILE: `${path}-that-is-not-there` })
  t.regex(message, /^MINTAGE_PORT_FILE names a file that cannot be read/)
  t.is(message.split('\n').length, 1, message)
})

test('security 36: a complaint shows neither a password in a URL nor what a file holds', (t) => {
  for (const name of ['MINTAGE_DATABASE_URL', 'MINTAGE_ISSUER']) {
    const message = complain(t, { [name]: 'mysql://user:canary-word@host/path' })
    t.true(message.startsWith(`${name} `))
    t.false(message.includes('canary-word'))
  }
  const file = complain(t, { MINTAGE_PORT_FILE: writeValue(t, 'canary-word') })
  t.true(file.startsWith('MINTAGE_PORT_FILE '))
  t.false(file.includes('canary-word'))
})

test('security 36: a secret that was set by the name of its file is not repeated', (t) => {
  for (const value of ['postgres://u:canary-word@db/x', 'canary-word-of-a-vault-key']) {
    for (const name of ['MINTAGE_DATABASE_URL_FILE', 'MINTAGE_VAULT_KEY_FILE']) {
      const message = complain(t, { [name]: value })
      t.is(message, `${name} names a file that cannot be read: there is no such file.`)
    }
  }
})

test('what Kubernetes injects for a service named mintage is ignored with one warning', (t) => {
  const { warnings, ...config } = readConfig({
    MINTAGE_PORT: 'tcp://10.0.0.1:8080',
    MINTAGE_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
    MINTAGE_PORT_8080_TCP_ADDR: '10.0.0.1',
    MINTAGE_PORT_8080_TCP_PORT: '8080',
    MINTAGE_PORT_8080_TCP_PROTO: 'tcp',
    MINTAGE_SERVICE_HOST: '10.0.0.1',
    MINTAGE_SERVICE_PORT: '8080',
    MINTAGE_SERVICE_PORT_HTTP: '8080',
  })
  const { warnings: none, ...defaults } = readConfig({})
  t.deepEqual(config, defaults)
  t.is(none.length, 0)
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /Kubernetes/)
})

test('lives that contradict each other are refused by their names', (t) => {
  t.regex(
    complain(t, { MINTAGE_SESSION_IDLE_TTL: '2d', MINTAGE_SESSION_TTL: '1d' }),
    /^MINTAGE_SESSION_IDLE_TTL .* MINTAGE_SESSION_TTL/,
  )
  t.regex(
    complain(t, { MINTAGE_SESSION_IDLE_TTL: '10s', MINTAGE_REFRESH_RETRY_WINDOW: '11s' }),
    /^MINTAGE_REFRESH_RETRY_WINDOW .* MINTAGE_SESSION_IDLE_TTL/,
  )
})
