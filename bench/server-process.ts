import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection, renderHead } from './load/connection.ts'
import { readCpuTime } from './process-usage.ts'

/** The bare handler, this checkout, and another checkout to compare it with. */
export type ServerName = 'bare' | 'mintage' | 'baseline'

/** How to start a server. */
export interface ServerRecipe {
  readonly name: ServerName
  /** What stands behind `node`. */
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly port: number
  /** The `Authorization` header of its client. */
  readonly authorization: string
}

/** How often a starting server is asked, in milliseconds; the start is known no more exactly than this. */
const pollInterval = 3
const startDeadline = 20_000

/** A server in a process of its own, its log thrown away. */
export class ServerProcess {
  readonly recipe: ServerRecipe
  readonly pid: number
  /** From the spawn of the process to the last byte of its first token, in milliseconds. */
  readonly startedAfter: number
  /** CPU that it had used by then, in milliseconds: what a busy machine does not stretch. */
  readonly startCpu: number
  readonly #child: ChildProcess

  private constructor(recipe: ServerRecipe, child: ChildProcess, pid: number, startedAfter: number) {
    this.recipe = recipe
    this.#child = child
    this.pid = pid
    this.startedAfter = startedAfter
    this.startCpu = readCpuTime(pid).total
  }

  /** @throws when it gives no token in time. */
  static async start(recipe: ServerRecipe): Promise<ServerProcess> {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MINTAGE_'))
    const log = openSync('/dev/null', 'w')
    const began = performance.now()
    const child = spawn(process.execPath, recipe.args, {
      env: { ...Object.fromEntries(inherited), NODE_ENV: 'production', ...recipe.environment },
      stdio: ['ignore', log, 'inherit'],
    })
    closeSync(log)
    const { pid } = child
    if (pid === undefined) throw new Error(`${recipe.name} could not be started.`)
    try {
      await waitForToken(recipe, child, began + startDeadline)
      return new ServerProcess(recipe, child, pid, performance.now() - began)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Stops it as an operator would. @throws when it does not end well. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGTERM')
      await ended
    }
    if (this.#child.exitCode !== 0) throw new Error(`${this.recipe.name} ended with ${this.#child.exitCode}.`)
  }

  /** For the benchmark's own end, however it comes. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

async function waitForToken(recipe: ServerRecipe, child: ChildProcess, deadline: number): Promise<void> {
  while (child.exitCode === null && performance.now() < deadline) {
    if (await givesToken(recipe)) return
    await delay(pollInterval)
  }
  throw new Error(`${recipe.name} gave no token; it ${child.exitCode === null ? 'is running' : 'has ended'}.`)
}

async function givesToken({ port, authorization }: ServerRecipe): Promise<boolean> {
  try {
    const connection = await Connection.open(port)
    const answer = await connection.post(renderHead(port, authorization), 'grant_type=client_credentials')
    connection.close()
    return answer.status === 200
  } catch {
    return false
  }
}

/** A port of the loopback interface that nobody listens on. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('The system gave no port.')
  return address.port
}
