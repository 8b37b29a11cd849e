import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DelayReader, type LoopDelays } from '../herd/delay-reader.ts'
import { installMintage, type MintageRecipe, ownExecutable, password } from '../installation.ts'
import { readResident } from '../process-usage.ts'
import { ServerProcess } from '../server-process.ts'
import { Worker } from '../worker.ts'
import type { OverloadGrant, OverloadPhase, OverloadResult, ProbePhase, ProbeResult } from './phase.ts'

export interface OverloadOptions {
  readonly grants: readonly OverloadGrant[]
  /** How long the overload lasts, in milliseconds. */
  readonly milliseconds: number
  /** How long the capacity is measured, before and after, in milliseconds. */
  readonly capacityMilliseconds: number
  /** How many times the capacity is offered. */
  readonly times: number
  /** Of bcrypt. */
  readonly cost: number
  readonly say?: (text: string) => void
}

/** What one grant's overload showed; bytes are resident memory of the server. */
export interface OverloadFigures extends LoopDelays {
  readonly grant: OverloadGrant
  /** Whether server and crowd had a core each; otherwise they shared all of them. */
  readonly isPinned: boolean
  /** Tokens a second in a closed loop, before and after. */
  readonly capacities: readonly [number, number]
  readonly offered: number
  readonly goodput: number
  readonly crowd: OverloadResult
  readonly probe: ProbeResult
  readonly bytesBefore: number
  readonly bytesMost: number
  readonly bytesAfter: number
}

/** Clients of the closed loop: enough to keep every thread busy, and few enough that nobody is turned away. */
const closedClients: Readonly<Record<OverloadGrant, number>> = {
  client_credentials: 16,
  refresh_token: 16,
  password: 8,
}

/** Every refresh that may be under way, and some. */
const sessions = 1_024

/** The core of the server, and that of the crowd, where each has one. */
const [serverCore, crowdCore] = ['0', '1']
const everyCore = '0-1023'

/** Measures what a server can do for each grant, then offers it more, and watches from inside and outside. */
export async function overload(options: OverloadOptions): Promise<readonly OverloadFigures[]> {
  const { say = () => undefined } = options
  const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
  try {
    say('installing')
    const { recipe, refreshTokens } = await installMintage('mintage', ownExecutable, directory, sessions + 1)
    const delays = new DelayReader(join(directory, 'delays'))
    const environment = {
      ...recipe.environment,
      MINTAGE_BCRYPT_COST: String(options.cost),
      // Nobody is to be kept out for asking often: what is measured is what happens to those that ask.
      MINTAGE_THROTTLE: 'off',
    }
    const server = await ServerProcess.start(delays.probe({ ...recipe, environment }))
    const crowd = Worker.start('./overload/generator.js')
    const probe = Worker.start('./overload/probe.js')
    const [probed = '', ...lines] = refreshTokens
    const bench = new Bench(options, say, { server, crowd, probe, delays }, probed, lines)
    try {
      const figures: OverloadFigures[] = []
      for (const grant of options.grants) figures.push(await bench.measure(grant))
      return figures
    } finally {
      crowd.stop()
      probe.stop()
      await server.stop()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Processes {
  readonly server: ServerProcess<MintageRecipe>
  readonly crowd: Worker
  readonly probe: Worker
  readonly delays: DelayReader
}

class Bench {
  readonly #options: OverloadOptions
  readonly #say: (text: string) => void
  readonly #processes: Processes
  #probed: string
  #lines: readonly string[]

  constructor(
    options: OverloadOptions,
    say: (text: string) => void,
    processes: Processes,
    probed: string,
    lines: readonly string[],
  ) {
    this.#options = options
    this.#say = say
    this.#processes = processes
    this.#probed = probed
    this.#lines = lines
  }

  async measure(grant: OverloadGrant): Promise<OverloadFigures> {
    const { server, crowd, probe } = this.#processes
    const { milliseconds, capacityMilliseconds, times } = this.#options
    // A crowd of logins is few requests a second: it takes nothing from the server that hashes on every core.
    const isPinned = grant !== 'password' && pin([server.pid], serverCore)
    if (!isPinned) pin([server.pid], everyCore)
    pin([crowd.pid, probe.pid], isPinned ? crowdCore : everyCore)
    const capacity = async (life: number) => {
      const { served, milliseconds: took } = await this.#ask(grant, life, { clients: closedClients[grant] })
      return (served.count * 1_000) / took
    }
    this.#say(`${grant}: warming up`)
    await capacity(Math.min(3_000, capacityMilliseconds))
    this.#say(`${grant}: capacity`)
    const before = await capacity(capacityMilliseconds)
    const bytesBefore = readResident(server.pid)
    this.#say(`${grant}: ${(times * before).toFixed(1)}/s offered, ${before.toFixed(1)}/s possible`)
    await this.#readDelays()
    const watching = watchResident(server.pid, milliseconds)
    const [result, probed, late, bytesMost] = await Promise.all([
      this.#ask(grant, milliseconds, { perSecond: times * before }),
      this.#look(milliseconds),
      delay(milliseconds).then(() => this.#readDelays()),
      watching,
    ])
    this.#say(`${grant}: capacity again`)
    const after = await capacity(capacityMilliseconds)
    return {
      grant,
      isPinned,
      capacities: [before, after],
      offered: times * before,
      goodput: (result.served.count * 1_000) / result.milliseconds,
      crowd: result,
      probe: probed,
      ...late,
      bytesBefore,
      bytesMost,
      bytesAfter: readResident(server.pid),
    }
  }

  async #ask(
    grant: OverloadGrant,
    milliseconds: number,
    load: OverloadPhase['load'],
  ): Promise<OverloadResult> {
    const { port, authorization } = this.#processes.server.recipe
    const phase: OverloadPhase = {
      port,
      authorization,
      grant,
      password,
      refreshTokens: this.#lines,
      milliseconds,
      load,
    }
    const result = await this.#processes.crowd.ask<OverloadResult>(phase)
    this.#lines = result.refreshTokens
    return result
  }

  async #look(milliseconds: number): Promise<ProbeResult> {
    const { port, authorization } = this.#processes.server.recipe
    const phase: ProbePhase = { port, authorization, refreshToken: this.#probed, milliseconds }
    const result = await this.#processes.probe.ask<ProbeResult>(phase)
    this.#probed = result.refreshToken
    return result
  }

  #readDelays(): Promise<LoopDelays> {
    this.#processes.server.signal('SIGUSR2')
    return this.#processes.delays.next()
  }
}

/** The most that the process holds while the time lasts, in bytes. */
async function watchResident(pid: number, milliseconds: number): Promise<number> {
  const deadline = performance.now() + milliseconds
  let most = 0
  for (; performance.now() < deadline; await delay(200)) most = Math.max(most, readResident(pid))
  return most
}

/** Gives the processes, and all threads that they have and will have, these cores; false where that cannot be done. */
function pin(pids: readonly number[], cores: string): boolean {
  try {
    for (const pid of pids) {
      execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)], { stdio: 'ignore' })
    }
    return true
  } catch {
    return false
  }
}
