import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { openInstallation } from '../../src/compose/installation.ts'
import { readConfig } from '../../src/config.ts'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'
import { read } from '../support/oauth.ts'

const levels = ['trace', 'info', 'silent']

test('serve says where it listens, in JSON, whatever the log level', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  for (const level of levels) {
    const issuer = await startChildIssuer(['serve'], { ...environment, MINTAGE_LOG_LEVEL: level })
    t.is(issuer.ready['event'], 'listening', level)
    t.regex(String(issuer.ready['url']), /^http:\/\/127\.0\.0\.1:\d+$/)
    t.is((await fetch(`${issuer.url}/readyz`)).status, 200)
    t.is(await issuer.end(), 0)
    const lines = issuer.stdout().trimEnd().split('\n')
    for (const line of lines) t.is(typeof JSON.parse(line).event, 'string')
    if (level === 'silent') t.is(lines.length, 1)
  }
})

test('security 40: serve seeds no client, user or API, and makes keys of its own', async (t) => {
  const kids = new Set<string>()
  for (let round = 0; round < 2; round++) {
    const environment = serveEnvironment(makeDirectory(t))
    const issuer = await startChildIssuer(['serve'], environment)
    const { body } = await read(await fetch(`${issuer.url}/.well-known/jwks.json`))
    for (const key of body['keys'] as readonly { readonly kid: string }[]) kids.add(key.kid)
    await issuer.end()
    const installation = await openInstallation(readConfig(environment), { onProblem: () => undefined })
    t.deepEqual(await installation.administration.clients.list(), [])
    t.deepEqual(await installation.administration.apis.list(), [])
    for await (const user of installation.administration.users.list()) t.fail(`There is ${user.username}.`)
    await installation.close()
  }
  t.is(kids.size, 4)
})

test('security 36: what serve writes holds no key, nor the password of its database', async (t) => {
  const directory = makeDirectory(t)
  const issuer = await startChildIssuer(['serve'], {
    ...serveEnvironment(directory),
    MINTAGE_LOG_LEVEL: 'trace',
  })
  await issuer.end()
  t.notRegex(issuer.output(), /PRIVATE KEY|"d":|BEGIN/)
  for (const file of readdirSync(join(directory, 'keys'))) {
    for (const line of readFileSync(join(directory, 'keys', file), 'utf8').split('\n')) {
      if (line.length > 20 && !line.startsWith('-----')) t.false(issuer.output().includes(line), file)
    }
  }
  for (const name of ['MINTAGE_DATABASE_URL', 'MINTAGE_DATABASE_URL_FILE']) {
    const url = 'postgress://mintage:canary-password@db.internal/mintage'
    const file = join(directory, 'url')
    writeFileSync(file, url)
    const { code, stdout, stderr } = await runMintage(['serve'], {
      MINTAGE_ISSUER: 'https://issuer.example',
      [name]: name.endsWith('_FILE') ? file : url,
    })
    t.is(code, 1)
    t.regex(stderr, new RegExp(`^mintage: ${name} .*expected sqlite:PATH, postgres`))
    t.notRegex(stdout + stderr, /canary-password/)
  }
})

test('serve needs an issuer, and plain http is for loopback only', async (t) => {
  const { MINTAGE_ISSUER: _, ...environment } = serveEnvironment(makeDirectory(t))
  const missing = await runMintage(['serve'], environment)
  t.is(missing.code, 1)
  t.regex(missing.stderr, /^mintage: MINTAGE_ISSUER is missing: expected the https URL .*\n$/)
  for (const issuer of [
    'http://issuer.example',
    'http://10.0.0.1',
    'http://127.0.0.1.example',
    'issuer.example',
    'ftp://issuer.example',
    'https://issuer.example/?a=b',
    'https://issuer.example/#x',
    'https://user:pass@issuer.example',
    'https://issuer.example/a b',
    'https://issuer.example\n',
    'javascript:alert(1)',
  ]) {
    const { code, stdout, stderr } = await runMintage(['serve'], { ...environment, MINTAGE_ISSUER: issuer })
    t.is(code, 1, issuer)
    t.is(stdout, '')
    t.regex(stderr, /^mintage: MINTAGE_ISSUER is ".*": expected an https URL .*\n$/, issuer)
  }
  t.false(existsSync(environment['MINTAGE_KEYS_DIR'] ?? '.'))
  for (const issuer of ['http://localhost:8080', 'http://127.0.0.1', 'http://[::1]:8080']) {
    const running = await startChildIssuer(['serve'], { ...environment, MINTAGE_ISSUER: issuer })
    const { body } = await read(await fetch(`${running.url}/.well-known/oauth-authorization-server`))
    t.is(body['issuer'], issuer)
    await running.end()
  }
})

test('serve is used wrongly with options that it does not have', async (t) => {
  for (const args of [
    ['--workers', '0'],
    ['--workers', 'x'],
    ['--workers', '1000'],
    ['--port', '1'],
    ['extra'],
    ['--worker'],
  ]) {
    const { code, stdout, stderr } = await runMintage(['serve', ...args])
    t.is(code, 2, args.join(' '))
    t.is(stdout, '')
    t.regex(stderr, /^error: /)
  }
})

test('a value comes from a file as well, one line break at its end cut', async (t) => {
  const directory = makeDirectory(t)
  const { MINTAGE_ISSUER: _, MINTAGE_PORT: __, ...environment } = serveEnvironment(directory)
  writeFileSync(join(directory, 'issuer'), 'https://from-a-file.example\n')
  writeFileSync(join(directory, 'port'), '0\r\n')
  const issuer = await startChildIssuer(['serve'], {
    ...environment,
    MINTAGE_ISSUER_FILE: join(directory, 'issuer'),
    MINTAGE_PORT_FILE: join(directory, 'port'),
  })
  t.is(issuer.ready['issuer'], 'https://from-a-file.example')
  t.notRegex(String(issuer.ready['url']), /:8080$/)
  await issuer.end()
})

test('what Kubernetes injects for a service named mintage is ignored, with one warning', async (t) => {
  const { MINTAGE_PORT: _, ...environment } = serveEnvironment(makeDirectory(t))
  const { stdout, stderr, code } = await runMintage(['migrate'], {
    ...environment,
    MINTAGE_PORT: 'tcp://10.96.0.17:80',
    MINTAGE_SERVICE_HOST: '10.96.0.17',
  })
  t.is(code, 0, stdout + stderr)
  const injected = {
    MINTAGE_SERVICE_HOST: '10.96.0.17',
    MINTAGE_SERVICE_PORT: '80',
    MINTAGE_SERVICE_PORT_HTTP: '80',
    MINTAGE_PORT_80_TCP: 'tcp://10.96.0.17:80',
    MINTAGE_PORT_80_TCP_PROTO: 'tcp',
    MINTAGE_PORT_80_TCP_PORT: '80',
    MINTAGE_PORT_80_TCP_ADDR: '10.96.0.17',
  }
  const issuer = await startChildIssuer(['serve'], { ...environment, MINTAGE_PORT: '0', ...injected })
  await issuer.end()
  const warnings = issuer
    .stdout()
    .split('\n')
    .filter((line) => line.includes('"config.warning"'))
  t.is(warnings.length, 1)
  for (const name of Object.keys(injected)) t.true(warnings[0]?.includes(name), name)
  for (const name of ['MINTAGE_PORT_TYPO', 'MINTAGE_SERVICE', 'MINTAGE_PORT_80']) {
    const refused = await runMintage(['migrate'], { ...environment, [name]: '1' })
    t.is(refused.code, 1)
    t.is(refused.stderr, `mintage: ${name} is unknown: no setting has this name.\n`)
  }
})

test('every unknown variable and bad value is named at once, with what was expected', async (t) => {
  const directory = makeDirectory(t)
  writeFileSync(join(directory, 'level'), 'loud')
  const bad = {
    MINTAGE_PROT: '8080',
    MINTAGE_PORT: '65536',
    MINTAGE_ISSUER: 'issuer',
    MINTAGE_ACCESS_TOKEN_TTL: '15',
    MINTAGE_KEY_BITS: '1024',
    MINTAGE_BCRYPT_COST: '99',
    MINTAGE_HASH_QUEUE: '-1',
    MINTAGE_MAX_CONNECTIONS: '1e3',
    MINTAGE_LOG_LEVEL_FILE: join(directory, 'level'),
    MINTAGE_HOST_FILE: join(directory, 'missing'),
    MINTAGE_NO_SUCH_FILE: '/etc/hostname',
  }
  const { code, stdout, stderr } = await runMintage(['serve'], bad)
  t.is(code, 1)
  t.is(stdout, '')
  const lines = stderr.trimEnd().split('\n')
  for (const name of Object.keys(bad)) {
    t.is(lines.filter((line) => line.startsWith(`mintage: ${name} `)).length, 1, `${name} in ${stderr}`)
  }
  t.is(lines.length, Object.keys(bad).length)
  for (const line of lines) t.regex(line, /: expected |is unknown|cannot be read/)
  t.notRegex(stderr, /loud/)
  const twice = await runMintage(['serve'], { MINTAGE_HOST: '127.0.0.1', MINTAGE_HOST_FILE: '/etc/hostname' })
  t.is(twice.code, 1)
  t.regex(twice.stderr, /MINTAGE_HOST is set twice/)
})
