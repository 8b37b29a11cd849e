import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ConfigError, examineConfig, readConfig, readConfigFile, withoutKeys } from '../../src/config.ts'
import { day, minute } from '../../src/lib/durations.ts'
import { makeDirectory } from '../support/installation.ts'

/** A configuration file of that text. */
function writeToml(t: ExecutionContext, text: string | Buffer): string {
  const path = join(makeDirectory(t), 'mintage.toml')
  writeFileSync(path, text)
  return path
}

/** What is said of a file that is refused, without the path in front of each line's number. */
async function complain(t: ExecutionContext, text: string) {
  const file = await readConfigFile(writeToml(t, text))
  const thrown = t.throws(() => readConfig({}, { file }), { instanceOf: ConfigError })
  return (thrown?.message ?? '').replaceAll(`${file?.path}:`, '')
}

test('the environment is over the file, and the file over the defaults', async (t) => {
  const file = await readConfigFile(writeToml(t, 'port = 1\nadmin_port = "off"\naccess_token_ttl = "2m"\n'))
  const config = readConfig({ MINTAGE_PORT: '2', MINTAGE_SESSION_TTL: '8d' }, { file })
  t.is(config.port, 2)
  t.is(config.adminPort, undefined)
  t.is(config.accessTokenTtl, 2 * minute)
  t.is(config.sessionTtl, 8 * day)
  t.is(config.jwksMaxAge, 5 * minute)
})

test('a command may have defaults of its own, under both', async (t) => {
  const defaults = { MINTAGE_ADMIN_PORT: 'off' } as const
  t.is(readConfig({}, { defaults }).adminPort, undefined)
  t.is(readConfig({ MINTAGE_ADMIN_PORT: '1' }, { defaults }).adminPort, 1)
  const file = await readConfigFile(writeToml(t, 'admin_port = 2'))
  t.is(readConfig({}, { defaults, file }).adminPort, 2)
})

test('a variable that is empty, or injected by Kubernetes, leaves the file its word', async (t) => {
  const file = await readConfigFile(writeToml(t, 'port = 1\nhost = "::1"'))
  const config = readConfig({ MINTAGE_PORT: 'tcp://10.0.0.1:80', MINTAGE_HOST: '' }, { file })
  t.is(config.port, 1)
  t.is(config.host, '::1')
})

test('a value from a file of its own counts as what names it: a variable, or a key of mintage.toml', async (t) => {
  const path = join(makeDirectory(t), 'port')
  writeFileSync(path, '9090\n')
  const file = await readConfigFile(writeToml(t, `port_file = ${JSON.stringify(path)}`))
  t.is(readConfig({}, { file }).port, 9_090)
  t.is(readConfig({ MINTAGE_PORT: '1' }, { file }).port, 1)
  const below = await readConfigFile(writeToml(t, 'port = 1'))
  t.is(readConfig({ MINTAGE_PORT_FILE: path }, { file: below }).port, 9_090)
  t.regex(
    await complain(t, `port = 1\nport_file = ${JSON.stringify(path)}`),
    /^2: port is set twice: by itself and by port_file\.$/,
  )
})

test('numbers and lists are written as TOML has them, or as the environment has them', async (t) => {
  const natural = 'key_bits = 3072\ntrusted_proxies = ["10.0.0.0/8", "::1"]\ncors_origins = []'
  const asText = 'key_bits = "3072"\ntrusted_proxies = "10.0.0.0/8, ::1"'
  for (const text of [natural, asText]) {
    const config = readConfig({}, { file: await readConfigFile(writeToml(t, text)) })
    t.is(config.keyBits, 3072)
    t.deepEqual(config.trustedProxies, ['10.0.0.0/8', '::1'])
    t.deepEqual(config.corsOrigins, [])
  }
})

const refused: readonly (readonly [toml: string, said: RegExp])[] = [
  ['prot = 1', /^1: prot is unknown: no setting has this name; did you mean port\?$/],
  ['MINTAGE_PORT = 1', /^1: MINTAGE_PORT is unknown: .* did you mean port\?$/],
  ['Port = 1', /^1: Port is unknown: .* did you mean port\?$/],
  ['access-token-ttl = "1m"', /^1: access-token-ttl is unknown: .* did you mean access_token_ttl\?$/],
  ['database_urls_file = "x"', /^1: database_urls_file is unknown: .* did you mean database_url_file\?$/],
  ['\n\n[session]\nidle_ttl = "1d"', /^3: session is unknown: .* did you mean session_idle_ttl\?$/],
  ['database.url = "x"', /^1: database is unknown: .* did you mean database_url\?$/],
  ['[[clients]]\nname = 1', /^1: clients is unknown: no setting has this name\.$/],
  ['[flowers]\nname = 1', /^1: flowers is unknown: .* settings stand in no table, under names such as/],
  ['"__proto__" = 1', /^1: __proto__ is unknown: no setting has this name\.$/],
  ['"a\\nb\\u001b" = 1', /^.*"a\\nb\\u001b" is unknown: no setting has this name\.$/],
  ['port = 1.5', /^1: port is "1\.5": expected a whole number/],
  ['port = -1', /^1: port is "-1": expected a whole number/],
  ['port = [1]', /^1: port is a list: expected a whole number/],
  ['port = true', /^1: port is true: expected a whole number/],
  ['port = 1979-05-27', /^1: port is a date: expected a whole number/],
  ['port = {}', /^1: port is a table: expected a whole number/],
  ['host = ""', /^1: host is "": expected a host name/],
  ['host = 127', /^1: host is 127: expected a host name/],
  ['cors_origins = [1]', /^1: cors_origins is a list: expected origins/],
  ['log_level = "loud"', /^1: log_level is "loud": expected one of/],
]
for (const [toml, said] of refused) {
  test(`refused with its line: ${JSON.stringify(toml)}`, async (t) => {
    const message = await complain(t, toml)
    t.regex(message, said)
    t.is(message.split('\n').length, 1, message)
  })
}

test('only what is in force has to be good, but every name has to be', async (t) => {
  const file = await readConfigFile(writeToml(t, 'port = 99999'))
  t.is(readConfig({ MINTAGE_PORT: '1' }, { file }).port, 1)
  const misnamed = await readConfigFile(writeToml(t, 'prot = 1'))
  t.throws(() => readConfig({ MINTAGE_PORT: '1' }, { file: misnamed }), { message: /did you mean port/ })
})

for (const [what, content, said] of [
  ['no TOML', 'port: 8080', /:1:\d+: expected TOML, such as/],
  ['one key twice', 'port = 1\nport = 2', /:2:1: expected TOML, .*redefine/],
  ['no text', Buffer.from([0x68, 0xff, 0xfe]), /cannot be read: it is not text in UTF-8\.$/],
  ['a number past all bounds', 'port = 99999999999999999999', /:1:\d+: expected TOML/],
] as const) {
  test(`a file that holds ${what} is refused by its name and line`, async (t) => {
    const path = writeToml(t, content)
    const { message = '' } = (await t.throwsAsync(readConfigFile(path), { instanceOf: ConfigError })) ?? {}
    t.true(message.startsWith(path), message)
    t.regex(message, said)
    t.is(message.split('\n').length, 1)
  })
}

test('security 36: what stands on a line that is no TOML is not repeated', async (t) => {
  const path = writeToml(t, 'database_url = postgres://u:canary-word@db/x')
  const { message = '' } = (await t.throwsAsync(readConfigFile(path))) ?? {}
  t.false(message.includes('canary'), message)
})

test('a file that was asked for must be there; mintage.toml need not', async (t) => {
  const path = join(makeDirectory(t), 'other.toml')
  await t.throwsAsync(readConfigFile(path), { message: `${path} cannot be read: there is no such file.` })
  await t.throwsAsync(readConfigFile(makeDirectory(t)), { message: /it is a directory\.$/ })
  t.is(await readConfigFile(), undefined)
})

test('a byte order mark, comments and other line ends do no harm', async (t) => {
  const file = await readConfigFile(writeToml(t, '\uFEFF# words\r\nport = 1 # more\r\n'))
  t.is(readConfig({}, { file }).port, 1)
})

test('keys can be left out', async (t) => {
  const file = await readConfigFile(writeToml(t, 'port = 1\nhost = "::1"'))
  if (!file) throw new Error('There is a file.')
  const config = readConfig({}, { file: withoutKeys(file, new Set(['port'])) })
  t.is(config.port, 8080)
  t.is(config.host, '::1')
})

test('security 36: every value is shown with where it came from, and no secret is', async (t) => {
  const path = join(makeDirectory(t), 'database')
  writeFileSync(path, 'postgres://u:canary-word@db/x?sslkey=canary')
  const file = await readConfigFile(writeToml(t, '\nport = 1\nstate_dir = "/srv"'))
  const { inForce, config } = examineConfig({
    environment: {
      MINTAGE_DATABASE_URL_FILE: path,
      MINTAGE_LOG_LEVEL: 'warn',
      MINTAGE_VAULT_KEY: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
    },
    file,
  })
  t.is(config?.databaseUrl, 'postgres://u:canary-word@db/x?sslkey=canary')
  const shown = Object.fromEntries(inForce.map((each) => [each.variable, [each.value, each.source]]))
  t.deepEqual(shown['MINTAGE_PORT'], ['1', `${file?.path}:2`])
  t.deepEqual(shown['MINTAGE_LOG_LEVEL'], ['warn', 'environment'])
  t.deepEqual(shown['MINTAGE_KEY_BITS'], ['2048', 'default'])
  t.deepEqual(shown['MINTAGE_ISSUER'], [undefined, 'default'])
  t.deepEqual(shown['MINTAGE_VAULT_KEY'], ['[redacted]', 'environment'])
  t.deepEqual(shown['MINTAGE_DATABASE_URL'], [
    'postgres://u:redacted@db/x?sslkey=redacted',
    `environment, MINTAGE_DATABASE_URL_FILE (${path})`,
  ])
  t.false(JSON.stringify(inForce).includes('canary'))
})
