import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** The executable as it is installed. */
export const executable = findExecutable()

/** The environment that takes the sources as they are compiled, module by module, for what reaches into one of them. */
export const inModules = { CHILD_IN_MODULES: 'yes' }

function chooseExecutable(environment: Readonly<Record<string, string>>): string {
  return 'CHILD_IN_MODULES' in environment ? join(root, 'dist/src/main.js') : executable
}

/** @throws when the sources were compiled after it was made, for it would show how they were. */
function findExecutable(): string {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const path = join(root, bin.mintage)
  const madeAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const newer = ['src', 'migrations']
    .flatMap((folder) => listModules(join(root, 'dist', folder)))
    .find((source) => statSync(source).mtimeMs > madeAt)
  if (newer !== undefined) throw new Error(`${path} is older than ${newer}: npm run build makes it anew.`)
  return path
}

function listModules(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js') && !path.startsWith('bundle'))
    .map((path) => join(directory, path))
}

/** The environment without any setting of Mintage that the tests were started with. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MINTAGE_'))
  return { ...Object.fromEntries(inherited), ...extra }
}

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command of the executable to its end, in `directory` or where the tests run. */
export async function runMintage(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  stdin: string | Buffer = '',
  directory?: string,
): Promise<CommandResult> {
  return runToEnd([chooseExecutable(environment), ...args], environment, stdin, directory)
}

/** Runs many commands in one process, where starting one for each would take most of the time. Their stdin is empty, their working directory `directory`. */
export async function runMintageBatch(
  commands: readonly (readonly string[])[],
  environment: Readonly<Record<string, string>> = {},
  directory?: string,
): Promise<readonly CommandResult[]> {
  const batch = fileURLToPath(new URL('./command-batch.js', import.meta.url))
  const { stdout, stderr } = await runToEnd([batch], environment, JSON.stringify(commands), directory)
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

async function runToEnd(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  stdin: string | Buffer,
  directory?: string,
): Promise<CommandResult> {
  const env = cleanEnvironment(environment)
  const child = spawn(process.execPath, args, { env, ...(directory !== undefined && { cwd: directory }) })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

/** A server in a process of its own. */
export interface ChildIssuer {
  readonly process: ChildProcess
  readonly url: string
  /** What the first line on stdout said. */
  readonly ready: Readonly<Record<string, unknown>>
  /** All that it has written, stdout and stderr. */
  output(): string
  stdout(): string
  /** Sends the signal and waits for the end; resolves to the exit code, null when the signal killed it. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/**
 * Starts `mintage dev --json` or `mintage serve` and waits for its first line; or for what `sign` matches on stdout, of
 * a start that says nothing in JSON.
 */
export async function startChildIssuer(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  sign?: RegExp,
): Promise<ChildIssuer> {
  const child = spawn(process.execPath, [chooseExecutable(environment), ...args], {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let stdout = ''
  const exited = once(child, 'close').then(([code]) => code as number | null)
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      stdout += text
      if (sign?.test(stdout)) resolve('{}')
      // A log line may come before it.
      const line = stdout
        .split('\n')
        .find((each) => each.includes('"listening"') || each.includes('"client_id"'))
      if (line !== undefined && stdout.indexOf('\n', stdout.indexOf(line)) !== -1) resolve(line)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    exited.then((code) => reject(new Error(`The issuer ended with ${code}: ${output}`)))
  })
  const ready = JSON.parse(await firstLine)
  return {
    process: child,
    url: ready.url ?? ready.issuer,
    ready,
    output: () => output,
    stdout: () => stdout,
    end(signal = 'SIGTERM') {
      child.kill(signal)
      return exited
    },
  }
}

/** A port that nothing listens on at the moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
