import { spawnSync } from 'node:child_process'
import test from 'ava'
import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { cleanEnvironment, executable, runMintage, runMintageBatch } from '../support/child-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

/** Every command there is, by the words that lead to it. */
const commands = listCommands(createProgram())

function listCommands(command: Command, path: readonly string[] = []): readonly (readonly string[])[] {
  return [path, ...command.commands.flatMap((child) => listCommands(child, [...path, child.name()]))]
}

test('the help of every command goes to stdout and begins with examples of that command', async (t) => {
  const results = await runMintageBatch(commands.map((command) => [...command, '--help']))
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    const command = commands[index] ?? []
    t.is(code, 0)
    t.is(stderr, '')
    t.regex(stdout, new RegExp(`^Examples:\\n {2}.*mintage ${command.join(' ')}`), command.join(' '))
    t.regex(stdout, /\nUsage: mintage/)
    if (command.length === 2) t.regex(stdout, / {2}--json /)
  }
})

test('wrong use is exit 2 with words on stderr only, and "did you mean" on a typo', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['sreve'], /unknown command 'sreve'\n\(Did you mean serve\?\)/],
    [['client', 'crate'], /unknown command 'crate'\n\(Did you mean create\?\)/],
    [['client', 'list', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [['keys', 'rotate-mca'], /Did you mean rotate-mac\?/],
    [['client', 'create'], /required option '--id <id>' not specified/],
    [['client', 'create', '--id'], /argument missing/],
    [['client', 'create', '--id', 'a', '--id', 'b'], /option '--id <id>' is given twice/],
    [['client', 'create', '--id', 'a', '--scope', 'x', '--scope', 'y'], /given twice/],
    [['client', 'create', '--id', 'a', '--grant', 'implicit'], /client_credentials, password, refresh_token/],
    [['client', 'create', '--id', 'a', '--claims', '[]'], /JSON object/],
    [['client', 'create', '--id', 'a', '--claims', '{'], /JSON object/],
    [['client', 'create', '--id', 'a', '--access-token-ttl', '15'], /a duration such as/],
    [['client', 'create', '--id', 'a', '--scope', 'a"b'], /argument 'a"b' is invalid/],
    [['client', 'get'], /missing required argument 'id'/],
    [['client', 'get', 'a', 'b'], /too many arguments/],
    [['user', 'create'], /missing required argument 'username'/],
    [['user', 'create', 'ada', '--password', 'secret'], /unknown option '--password'/],
    [['user', 'create', 'ada', '--email', 'a@b', '--email', 'c@d'], /given twice/],
    [['api', 'create', 'https://api.example', '--typ', 'jwt'], /Allowed choices are/],
    [['api', 'create', 'https://api.example', '--claims-preset', 'x'], /Allowed choices are/],
    [['user', 'create', 'a\uFFFDb'], /argument 3 is not text in UTF-8/],
    [['user', 'update', 'ada'], /say what to change/],
    [
      ['user', 'export', '--format', 'cvs'],
      /Allowed choices are ndjson, csv, django\.\n\(Did you mean csv\?\)/,
    ],
    [['client', 'create', '--id', 'a', '--grant', 'pasword'], /\(Did you mean password\?\)/],
    [['client', 'create', '--id', 'a', '--grnat', 'password'], /\(Did you mean --grant\?\)/],
    [['api', 'create', 'a', '--typ', 'jwt'], /\(Did you mean JWT\?\)/],
    [['completion', 'fis'], /Allowed choices are bash, zsh, fish\.\n\(Did you mean fish\?\)/],
    [['audit', 'tail', '-n', '0'], /a whole number from 1/],
    [['audit', 'export', '--since', 'tomorrow'], /a date \(2026-01-31/],
    [['session', 'revoke'], /say one of/],
    [['session', 'revoke', 'ses_x', '--all'], /say one of/],
    [['keys', 'revoke'], /say one of/],
    [['keys', 'revoke', 'kid', '--all'], /say one of/],
    [['keys', 'export', '--pem', '--jwk'], /say one of/],
    [['help', 'sereve'], /unknown command 'sereve'\n\(Did you mean serve\?\)/],
    [['client', 'help', 'crate'], /unknown command 'crate'\n\(Did you mean create\?\)/],
    [['help', 'nonsense'], /unknown command 'nonsense'\n$/],
    [['serve', '--port', '80'], /unknown option '--port'\n\(Set MINTAGE_PORT, or port in mintage\.toml\.\)/],
    [['client'], /Usage: mintage client/],
    [[], /Usage: mintage/],
  ]
  const results = await runMintageBatch(
    cases.map(([args]) => args),
    environment,
  )
  t.is(results.length, cases.length)
  for (const [index, [args, said]] of cases.entries()) {
    const { code = null, stdout = '', stderr = '' } = results[index] ?? {}
    t.is(code, 2, args.join(' '))
    t.is(stdout, '', args.join(' '))
    t.regex(stderr, said)
    t.notRegex(stderr, / {4}at |node_modules/)
  }
})

test('what cannot be done is exit 1 with one sentence on stderr', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  t.is((await runMintage(['migrate'], environment)).code, 0)
  const grant = ['--grant', 'client_credentials']
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['client', 'get', 'nobody'], /There is no client "nobody"/],
    [
      ['audit', 'tail', '--type', 'login.faild'],
      /No audit row has the type "login\.faild".*Did you mean login\.failed\?/,
    ],
    [['audit', 'export', '--type', 'token.issued'], /token\.issued is told by log lines and counters/],
    [['client', 'get', ''], /There is no client ""/],
    [['client', 'delete', 'nobody'], /There is no client "nobody"/],
    [['client', 'create', '--id', '', ...grant], /A client id is 1 to 128/],
    [['client', 'create', '--id', 'a:b', ...grant], /A client id is 1 to 128/],
    [['client', 'create', '--id', 'a\u001b[31m\r\nb', ...grant], /not "a\\u001b\[31m\\r\\nb"/],
    [['client', 'create', '--id', 'usr_1', ...grant], /does not begin with usr_/],
    [['client', 'create', '--id', 'a'.repeat(129), ...grant], /A client id is 1 to 128/],
    [['client', 'create', '--id', 'a', '--name', 'x\ny', ...grant], /A name is at most/],
    [['client', 'create', '--id', 'a', '--public', ...grant], /public client cannot use client_credentials/],
    [['client', 'create', '--id', 'a', '--audience', 'https://x.example', ...grant], /mintage api create/],
    [['client', 'create', '--id', 'a', '--claims', '{"sub":"x"}', ...grant], /Only the issuer sets sub/],
    [['client', 'create', '--id', 'a', '--access-token-ttl', '25h', ...grant], /from 1s to 1d/],
    [['user', 'get', 'nobody'], /There is no user "nobody"/],
    [['user', 'create', ''], /A user name is 1 to 254/],
    [['user', 'create', ' ada'], /A user name is 1 to 254/],
    [['user', 'create', 'a\r\nb\u001b'], /A user name is 1 to 254/],
    [['user', 'create', 'x'.repeat(255)], /A user name is 1 to 254/],
    [['user', 'create', 'ada', '--email', 'nonsense'], /"nonsense" is no e-mail address/],
    [['user', 'update', 'nobody', '--no-email'], /There is no user "nobody"; `mintage user list` shows them/],
    [['user', 'import', '/nowhere'], /There is no file "\/nowhere"/],
    [['user', 'import', '/'], /is a directory/],
    [['audit', 'tail', '--type', 'A B'], /No audit row has the type "A B"/],
    [['audit', 'export', '--since', '1d', '--until', '2d'], /--since has to be before --until/],
    [
      ['client', 'get', 'x'.repeat(1_000_000)],
      /There is no client "x{100}…"; `mintage client list` shows them/,
    ],
    [['user', 'create', 'ada', '--claims', '{"iss":1,"aud":2}'], /Only the issuer sets iss, aud/],
    [['api', 'create', ''], /An audience is 1 to 512/],
    [['api', 'create', 'a b'], /An audience is 1 to 512/],
    [['api', 'create', 'a', '--access-token-ttl', '0s'], /from 1s to 1d/],
    [['api', 'create', 'a', '--introspection-client', 'nobody'], /There is no client "nobody"/],
    [['session', 'revoke', 'ses_none'], /There is no session "ses_none"/],
    [['session', 'list', '--user', 'nobody'], /There is no user "nobody"/],
    [['session', 'list', '--client', 'nobody'], /There is no client "nobody"/],
    [['keys', 'revoke', '../../etc/passwd'], /There is no key "\.\.\/\.\.\/etc\/passwd"/],
    [['keys', 'export'], /There is no current key yet/],
  ]
  const results = await runMintageBatch(
    cases.map(([args]) => [...args, '--json']),
    environment,
  )
  t.is(results.length, cases.length)
  for (const [index, [args, said]] of cases.entries()) {
    const { code = null, stdout = '', stderr = '' } = results[index] ?? {}
    t.is(code, 1, args.join(' '))
    t.is(stdout, '', args.join(' '))
    t.regex(stderr, /^mintage: [^\n]+\n$/)
    t.regex(stderr, said)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape code is what must not be there
    t.notRegex(stderr, /\u001b/)
  }
  const groups = ['client', 'user', 'api', 'session', 'keys']
  const lists = await runMintageBatch(
    groups.map((group) => [group, 'list', '--json']),
    environment,
  )
  for (const { code, stdout } of lists) t.deepEqual([code, stdout], [0, '[]\n'])
})

test('the executable ends with the code of its command', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  t.is((await runMintage(['sreve'], environment)).code, 2)
  t.is((await runMintage(['migrate'], environment)).code, 0)
  t.is((await runMintage(['client', 'get', 'nobody'], environment)).code, 1)
  t.is((await runMintage(['client', 'list'], environment)).code, 0)
})

test('a command that creates and finds no database makes one and says which', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const first = await runMintage(['api', 'create', 'https://api.example'], environment)
  t.is(first.code, 0)
  t.regex(first.stderr, /there was no database, so .*mintage\.db was made/)
  t.is((await runMintage(['client', 'list', '--json'], environment)).stderr, '')
})

test('a command whose output is lost says so and fails', async (t) => {
  const environment = cleanEnvironment(serveEnvironment(makeDirectory(t)))
  const run = (redirection: string) => {
    const script = `"$@" ${redirection}`
    const args = ['-o', 'pipefail', '-c', script, 'bash', process.execPath, executable]
    const create = ['client', 'create', '--id', `to${redirection.length}`, '--grant', 'client_credentials']
    return spawnSync('bash', [...args, ...create], { env: environment, encoding: 'utf8' })
  }
  const full = run('> /dev/full')
  t.is(full.status, 1)
  t.regex(full.stderr, /mintage: stdout cannot be written: ENOSPC/)
  t.notRegex(full.stderr, / {4}at /)
  const gone = run('| true')
  t.is(gone.status, 1)
  t.notRegex(gone.stderr, / {4}at |EPIPE/)
})

test('the version is printed', async (t) => {
  const { code, stdout } = await runMintage(['--version'])
  t.is(code, 0)
  t.regex(stdout, /^\d+\.\d+\.\d+\n$/)
})
