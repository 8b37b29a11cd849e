import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from './load/connection.ts'
import { renderRequest } from './load/rendering.ts'
import { readCpuTime } from './process-usage.ts'
import type { RequestTemplate } from './subjects/subject.ts'

/** How to start a server, which stays in the foreground until it gets a SIGTERM. */
export interface ServerRecipe {
  readonly name: string
  /** What is run; this very Node by default. */
  readonly command?: string
  readonly args: readonly string[]
  /** Beside what the benchmark's own process has, less everything of Mintage. */
  readonly environment: Readonly<Record<string, string>>
  /** Where it runs; where the benchmark does by default. */
  readonly directory?: string
  /** Of the loopback interface 127.0.0.1. */
  readonly port: number
  /** It is ready when this is answered with 200; best of all a request for a token. */
  readonly readiness: RequestTemplate
  /** How long it may take to become so, in milliseconds; 20 seconds by default. */
  readonly patience?: number
  /** Where it is no fault when it ends with another code than 0, or only by force. */
  readonly endsAnyhow?: boolean
}

/** What the benchmark's own process has, less everything of Mintage. */
export function inheritEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MINTAGE_')))
}

/** How often a starting server is asked, in milliseconds; the start is known no more exactly than this. */
const pollInterval = 3
const startDeadline = 20_000
/** For a server that need not end well, in milliseconds. */
const stopDeadline = 15_000

/** A server in a process of its own, which may have others below it; its log is thrown away. */
export class ServerProcess<Recipe extends ServerRecipe = ServerRecipe> {
  readonly recipe: Recipe
  readonly pid: number
  /** From the spawn of the process to the last byte of its first token, in milliseconds. */
  readonly startedAfter: number
  /** CPU that it had used by then, in milliseconds: what a busy machine does not stretch. */
  readonly startCpu: number
  readonly #child: ChildProcess

  private constructor(recipe: Recipe, child: ChildProcess, pid: number, startedAfter: number) {
    this.recipe = recipe
    this.#child = child
    this.pid = pid
    this.startedAfter = startedAfter
    this.startCpu = readCpuTime(pid).total
  }

  /** @throws when it is not ready in time. */
  static async start<Recipe extends ServerRecipe>(recipe: Recipe): Promise<ServerProcess<Recipe>> {
    const log = openSync('/dev/null', 'w')
    const began = performance.now()
    const child = spawn(recipe.command ?? process.execPath, recipe.args, {
      cwd: recipe.directory,
      env: { ...inheritEnvironment(), NODE_ENV: 'production', ...recipe.environment },
      stdio: ['ignore', log, 'inherit'],
    })
    closeSync(log)
    const { pid } = child
    if (pid === undefined) {
      const [error] = await once(child, 'error')
      throw new Error(`${recipe.name} could not be started.`, { cause: error })
    }
    try {
      await waitUntilReady(recipe, child, began + (recipe.patience ?? startDeadline))
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
    const child = this.#child
    const { name, endsAnyhow = false } = this.recipe
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      const force = endsAnyhow ? setTimeout(() => child.kill('SIGKILL'), stopDeadline) : undefined
      child.kill('SIGTERM')
      await ended
      clearTimeout(force)
    }
    if (child.exitCode !== 0 && !endsAnyhow) throw new Error(`${name} ended with ${child.exitCode}.`)
  }

  /** For the benchmark's own end, however it comes. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

async function waitUntilReady(recipe: ServerRecipe, child: ChildProcess, deadline: number): Promise<void> {
  const lives = () => child.exitCode === null && child.signalCode === null
  while (lives() && performance.now() < deadline) {
    if (await isReady(recipe)) return
    await delay(pollInterval)
  }
  throw new Error(`${recipe.name} did not become ready; it ${lives() ? 'is running' : 'has ended'}.`)
}

async function isReady({ port, readiness }: ServerRecipe): Promise<boolean> {
  try {
    const connection = await Connection.open(port)
    const answer = await connection.send(renderRequest(port, readiness)(''))
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
