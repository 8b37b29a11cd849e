import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { eventually } from '../../support/eventually.ts'

const run = promisify(execFile)
const packages = '/usr/lib/postgresql'

/** Where the newest PostgreSQL that Debian's packages have put on this machine has its programs. */
export function findBinaries(): string | undefined {
  if (!existsSync(packages)) return undefined
  const versions = readdirSync(packages).sort((a, b) => Number(a) - Number(b))
  return versions
    .map((version) => join(packages, version, 'bin'))
    .filter((folder) => existsSync(join(folder, 'initdb')))
    .at(-1)
}

interface Account {
  readonly uid?: number
  readonly gid?: number
}

/** PostgreSQL refuses to be run by root, so root runs it as the user of Debian's package. */
function findAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  const ask = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: ask('-u'), gid: ask('-g') }
}

export const account = findAccount()

/** How a server is ended: as an operator does, or as a power cut does (no checkpoint, clients cut off). */
export type Ending = 'fast' | 'immediate'

const signals: Readonly<Record<Ending, NodeJS.Signals>> = { fast: 'SIGINT', immediate: 'SIGQUIT' }

/** One `postgres` process and its data directory. */
export class PostgresServer {
  readonly data: string
  readonly port: number
  readonly #binaries: string
  readonly #settings: Readonly<Record<string, string>>
  #child: ChildProcess | undefined

  /** `data` is made by {@link initialise} or {@link copy}; it lies in a directory that `account` may write. */
  constructor(binaries: string, data: string, port: number, settings: Readonly<Record<string, string>> = {}) {
    this.data = data
    this.port = port
    this.#binaries = binaries
    this.#settings = settings
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** What it has logged. */
  get log(): string {
    return existsSync(`${this.data}.log`) ? readFileSync(`${this.data}.log`, 'utf8') : ''
  }

  async initialise(...options: readonly string[]): Promise<void> {
    await this.#run('initdb', '--auth=trust', '--encoding=UTF8', '--no-sync', ...options, '-D', this.data)
  }

  /** Makes it a standby of the server that listens on `port`. */
  async copy(port: number): Promise<void> {
    const source = `host=127.0.0.1 port=${port} user=postgres`
    await this.#run(
      'pg_basebackup',
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
      '--no-sync',
      '-D',
      this.data,
      '-d',
      source,
    )
  }

  /** Starts it, and waits until it answers unless told otherwise. */
  async start(isAwaited = true): Promise<void> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      max_connections: '100',
      ...this.#settings,
    }
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const log = createWriteStream(`${this.data}.log`, { flags: 'a' })
    await once(log, 'open')
    this.#child = spawn(join(this.#binaries, 'postgres'), ['-D', this.data, ...options], {
      ...account,
      cwd: this.data,
      stdio: ['ignore', log, log],
    })
    log.end()
    if (isAwaited) await this.#untilItAnswers()
  }

  async stop(ending: Ending): Promise<void> {
    const child = this.#child
    if (!child || !this.isRunning) return
    const ended = once(child, 'exit')
    child.kill(signals[ending])
    await ended
  }

  /** For the end of this process, however it comes. */
  kill(): void {
    this.#child?.kill(signals.immediate)
  }

  /** Ends recovery: a standby becomes a primary. Comes back when it takes writes. */
  async promote(): Promise<void> {
    await this.query('SELECT pg_promote(true, 30)')
  }

  /** Runs one statement on a connection of its own. */
  async query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  async #untilItAnswers(): Promise<void> {
    const answered = await eventually(
      () => this.query('SELECT 1').catch((error: unknown) => error),
      (answer) => Array.isArray(answer) || !this.isRunning,
    )
    if (!Array.isArray(answered)) throw new Error(`PostgreSQL does not answer (${answered}): ${this.log}`)
  }

  async #run(binary: string, ...args: readonly string[]): Promise<void> {
    await run(join(this.#binaries, binary), args, { ...account, cwd: join(this.data, '..') })
  }
}
