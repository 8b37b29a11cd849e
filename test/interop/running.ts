import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cleanEnvironment } from '../support/child-issuer.ts'

/** Servers of Debian's lie in sbin, which is not on everybody's PATH. */
const path = [process.env['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter)

/** How much of what a program wrote is kept for a complaint, in characters. */
const kept = 4_000

/** Groups of processes that still run, and are ended with this process whatever happens. */
const groups = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of groups) signal(child, 'SIGKILL')
})
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => process.exit(130))

/** A program in a process group of its own. */
export interface Program {
  /** The end of what it wrote. */
  output(): string
  stdout(): string
  /** The exit code, null when a signal ended it; a string when it could not be started. */
  readonly exited: Promise<number | null | string>
  /** As `exited`, once all that it wrote has been read. */
  readonly closed: Promise<number | null | string>
  /** Ends it and all that it started: SIGTERM, and SIGKILL after ten seconds. */
  end(): Promise<void>
}

export interface ProgramOptions {
  readonly directory: string
  readonly environment?: Readonly<Record<string, string>>
}

export function isOnPath(program: string): boolean {
  return path.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export function startProgram(command: readonly string[], options: ProgramOptions): Program {
  const [file = '', ...args] = command
  const child = spawn(file, args, {
    cwd: options.directory,
    env: cleanEnvironment({ ...options.environment, PATH: path }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  groups.add(child)
  let output = ''
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-kept)
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-kept)
  })
  const ended = (event: 'exit' | 'close') =>
    once(child, event).then(
      ([code]) => code as number | null,
      (error: Error) => error.message,
    )
  const exited = ended('exit')
  return {
    output: () => output,
    stdout: () => stdout,
    exited,
    closed: ended('close'),
    async end() {
      signal(child, 'SIGTERM')
      const impatience = setTimeout(() => signal(child, 'SIGKILL'), 10_000)
      await exited
      clearTimeout(impatience)
      // What it left behind.
      signal(child, 'SIGKILL')
      groups.delete(child)
    },
  }
}

/**
 * Runs a command to its end and returns what it wrote to stdout. Throws with its last output when it fails or takes
 * longer than `deadline` milliseconds.
 */
export async function runToEnd(
  command: readonly string[],
  options: ProgramOptions,
  deadline: number,
): Promise<string> {
  const program = startProgram(command, options)
  let late = false
  const impatience = setTimeout(() => {
    late = true
    void program.end()
  }, deadline)
  const code = await program.closed
  clearTimeout(impatience)
  const output = program.output().trimEnd()
  await program.end()
  if (late) throw new Error(`${command.join(' ')} took longer than ${deadline / 1_000} s\n${output}`)
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}\n${output}`)
  return program.stdout()
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name)
  } catch {
    // The group is gone.
  }
}

/** Does the work for each, at most `width` at a time; the results in order. */
export async function inParallel<In, Out>(
  width: number,
  items: readonly In[],
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const results: Out[] = []
  const queue = items.entries()
  const takeTurns = async () => {
    for (const [i, item] of queue) results[i] = await work(item)
  }
  await Promise.all(Array.from({ length: width }, takeTurns))
  return results
}
