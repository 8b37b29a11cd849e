import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'ava'
import type { Argument, Command, Option } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { cleanEnvironment, executable, runMintage, runMintageBatch } from '../support/child-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'

/** One command and what may stand behind it. */
interface Leaf {
  readonly path: readonly string[]
  readonly arguments: readonly Argument[]
  readonly options: readonly Option[]
}

/** Those that would go on running where nothing is wrong with what they are given. */
const servers = new Set(['dev', 'serve'])

/** What an argument or the value of an option is not supposed to be. */
const odd: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['huge', 'x'.repeat(1_000_000)],
  ['binary', '\uFFFD\uFFFD'],
  ['control characters', 'a\u001b[31m\r\n\u0007b'],
  ['a number past all numbers', '9'.repeat(400)],
  ['an option', '--'],
  ['nested JSON', `${'['.repeat(50_000)}`],
  ['JSON of another kind', '{"__proto__":{"x":1}}'],
]

const leaves = listLeaves(createProgram())

function listLeaves(command: Command, path: readonly string[] = []): readonly Leaf[] {
  if (command.commands.length > 0) {
    return command.commands.flatMap((child) => listLeaves(child, [...path, child.name()]))
  }
  return [{ path, arguments: command.registeredArguments, options: command.options }]
}

const takesValue = (option: Option) => option.required || option.optional

/** A value that the option's reader takes, and that names nothing there is. */
function plainValue(option: Option): string {
  if (option.argChoices) return option.argChoices[0] ?? ''
  if (/ttl|window|overlap|since|until/.test(option.attributeName())) return '5m'
  if (/port|limit|lines|workers/.test(option.attributeName())) return '1'
  return option.attributeName() === 'claims' ? '{"x":1}' : 'nothing-of-that-name'
}

/** What is there already, so that nothing can be made of that name. */
const existing: Readonly<Record<string, string>> = {
  'user create': 'ada',
  'api create': 'https://api.example',
}

const plainArguments = (leaf: Leaf) =>
  leaf.arguments.map(
    (argument) => existing[leaf.path.join(' ')] ?? argument.argChoices?.[0] ?? '/nowhere/of-that-name',
  )

/** The options that a command cannot do without, with values. */
const plainOptions = (leaf: Leaf) =>
  leaf.options.filter((option) => option.mandatory).map((option) => `${flagOf(option)}=service`)

const flagOf = (option: Option) => option.long ?? option.short ?? ''

/** Ways to use one command wrongly that it has to notice before it does anything. */
function misuses({ path, ...leaf }: Leaf): readonly (readonly string[])[] {
  const plain = plainArguments({ path, ...leaf })
  const required = leaf.arguments.filter((argument) => argument.required)
  const valued = leaf.options.filter(takesValue)
  return [
    [...path, ...plain, '--no-such-option'],
    [...path, ...plain, 'one-too-many', 'two-too-many'],
    ...required.map((_, n) => [...path, ...plain.slice(0, n)]),
    ...valued.filter((option) => option.required).map((option) => [...path, ...plain, flagOf(option)]),
    ...valued
      .filter((option) => !option.variadic)
      .map((option) => {
        const value = plainValue(option)
        return [...path, ...plain, flagOf(option), value, flagOf(option), value]
      }),
  ]
}

/** The command with one thing in it that is odd. */
function oddities(leaf: Leaf): readonly (readonly string[])[] {
  const plain = plainArguments(leaf)
  return odd.flatMap(([, value]) => [
    ...leaf.arguments.map((_, n) => [...leaf.path, ...plain.with(n, value)]),
    ...leaf.options
      .filter(takesValue)
      .map((option) => [
        ...leaf.path,
        ...plain,
        ...plainOptions(leaf).filter((each) => !each.startsWith(`${flagOf(option)}=`)),
        `${flagOf(option)}=${value}`,
      ]),
  ])
}

/** All that the database holds but for the record of how it came about. */
function dump(directory: string): string {
  const Sqlite = loadSqliteDriver()
  const database = new Sqlite(join(directory, 'mintage.db'), { readonly: true })
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .all() as readonly { name: string }[]
    const kept = tables.filter(({ name }) => !/^(audit|audit_chain|changes|sqlite_.*)$/.test(name))
    return JSON.stringify(kept.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]))
  } finally {
    database.close()
  }
}

const show = (args: readonly string[]) =>
  args.map((each) => (each.length > 40 ? `${each.slice(0, 40)}…` : each)).join(' ')

async function openWorld(t: Parameters<typeof makeDirectory>[0]) {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  await registerAccounts(environment)
  return { directory, environment }
}

test('every command refuses wrong use with exit 2, words on stderr only, and changes nothing', async (t) => {
  t.true(leaves.length > 30)
  const { directory, environment } = await openWorld(t)
  const before = dump(directory)
  const commands = leaves.flatMap(misuses)
  const results = await runMintageBatch(commands, environment, directory)
  t.is(results.length, commands.length)
  for (const [index, { code, stdout, stderr }] of results.entries()) {
    const command = show(commands[index] ?? [])
    t.is(code, 2, `${command}: ${stderr}`)
    t.is(stdout, '', command)
    t.regex(stderr, /^(error: |Examples:)/, command)
    t.notRegex(stderr, / {4}at /, command)
  }
  t.is(dump(directory), before)
})

test('security 37: no command breaks on empty, huge or binary values, repeats them, or does half of what it was told', async (t) => {
  const { directory, environment } = await openWorld(t)
  const before = dump(directory)
  const commands = leaves.filter(({ path }) => !servers.has(path.join(' '))).flatMap(oddities)
  const results = await runMintageBatch(commands, environment, directory)
  t.is(results.length, commands.length)
  for (const [index, { code, stderr }] of results.entries()) {
    const command = show(commands[index] ?? [])
    t.true(code === 0 || code === 1 || code === 2, `${command}: ${code}`)
    if (code !== 0) t.not(stderr, '', command)
    t.notRegex(stderr, / {4}at |node_modules|\[object Object\]/, command)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    t.notRegex(stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/, command)
    t.true(stderr.length < 4_000, `${command}: ${stderr.length} characters`)
  }
  // What has an odd name and could be made was deleted by that name again.
  t.is(dump(directory), before)
})

test('what comes through stdin may be empty, huge or binary', async (t) => {
  const { directory, environment } = await openWorld(t)
  const before = dump(directory)
  const inputs = ['', 'x'.repeat(1_000_000), Buffer.from([0xff, 0xfe, 0, 0x1b, 0x0a, 0xc3])]
  const commands = [
    ['user', 'create', 'eve', '--password-stdin'],
    ['user', 'set-password', 'ada'],
    ['user', 'import', '-'],
    ['token', 'inspect'],
  ]
  for (const command of commands) {
    for (const input of inputs) {
      const { code, stderr } = await runMintage(command, environment, input)
      const nothingToDo = command.includes('import') && input === ''
      t.is(code, nothingToDo ? 0 : 1, `${command.join(' ')}: ${stderr}`)
      if (code === 1) t.regex(stderr, /^mintage: /, command.join(' '))
      t.notRegex(stderr, / {4}at /)
    }
  }
  t.is(dump(directory), before)
})

test('bytes that are no text, and arguments as long as the system lets them be, reach the executable', (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const run = (script: string) =>
    spawnSync('bash', ['-c', script, process.execPath, executable], {
      env: cleanEnvironment(environment),
      encoding: 'utf8',
    })
  t.is(run('"$0" "$1" migrate').status, 0)
  const binary = run(`"$0" "$1" client get $'\\xff\\xfe'`)
  t.deepEqual(
    [binary.status, binary.stdout, binary.stderr],
    [2, '', 'error: argument 3 is not text in UTF-8\n'],
  )
  const long = run('"$0" "$1" client get "$(printf "%0100000d" 0)"')
  t.is(long.status, 1)
  t.regex(
    long.stderr,
    /^mintage: .*\n?mintage: There is no client "0{100}…"|^mintage: There is no client "0{100}…"/,
  )
})
