import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeMachine } from './machine.ts'
import { readResident } from './process-usage.ts'
import type { AfterLoad, Failure, Results, Round } from './results.ts'
import { measureSignature, type Sample, Target } from './rounds.ts'
import { ServerProcess } from './server-process.ts'
import { measureStart, type Start } from './starts.ts'
import { grants, type Installed, type Subject } from './subjects/subject.ts'
import { Worker } from './worker.ts'

/** How much is measured. Times are milliseconds. */
export interface Plan {
  readonly sessions: number
  readonly rounds: number
  /** How many connections at once, one after the other. */
  readonly connections: readonly number[]
  readonly phase: number
  /** What is put on a server before each phase, and does not count. */
  readonly leadIn: number
  readonly signatures: number
  readonly warmUp: number
  readonly starts: number
  readonly idle: number
}

/** Where packages of peers are kept from run to run, a folder for each. */
const cache = fileURLToPath(new URL('../../.peers/', import.meta.url))

/** Subjects side by side: installed, started, loaded in rounds that take turns, and removed. */
export class Contest {
  readonly #plan: Plan
  readonly #say: (text: string) => void
  readonly #directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
  readonly #entries = new Map<string, { readonly subject: Subject; readonly installed: Installed }>()
  readonly #targets = new Map<string, Target>()
  readonly #failures: Failure[] = []
  readonly #essential: ReadonlySet<string>

  /** `essential` names the subjects without which the run is worth nothing. */
  constructor(plan: Plan, essential: readonly string[], say: (text: string) => void) {
    this.#plan = plan
    this.#essential = new Set(essential)
    this.#say = say
  }

  /** @throws when one that is essential fails; what happens to others is told in the results. */
  async run(subjects: readonly Subject[], command: string): Promise<Results> {
    const machine = describeMachine(this.#directory)
    try {
      for (const subject of subjects) await this.#install(subject)
      this.#say('starting and stopping')
      const starts = await this.#measureStarts()
      const load = await this.#measureLoad()
      const { sessions, connections } = this.#plan
      const present = [...this.#entries.values()].map(({ subject }) => subject)
      return {
        machine,
        command,
        servers: present.map(({ name, signature, durable }) => ({ name, signature, durable })),
        failures: this.#failures,
        sessions,
        connections,
        starts,
        ...load,
      }
    } finally {
      rmSync(this.#directory, { recursive: true, force: true })
    }
  }

  async #install(subject: Subject): Promise<void> {
    this.#say(`installing ${subject.name}`)
    const place = {
      directory: join(this.#directory, subject.name),
      cache: join(cache, subject.name),
      sessions: this.#plan.sessions,
    }
    await this.#attempt(subject.name, 'installing it', async () => {
      mkdirSync(place.directory)
      this.#entries.set(subject.name, { subject, installed: await subject.install(place) })
    })
  }

  async #measureStarts(): Promise<readonly Start[]> {
    const starts: Start[] = []
    for (let count = 0; count < this.#plan.starts; count++) {
      for (const [name, { installed }] of [...this.#entries]) {
        await this.#attempt(name, 'starting it', async () => {
          starts.push(await measureStart(installed.recipe, this.#plan.idle))
        })
      }
    }
    return starts
  }

  async #measureLoad(): Promise<{ rounds: readonly Round[]; afterLoad: readonly AfterLoad[] }> {
    const load = Worker.start('./load/generator.js')
    const signer = Worker.start('./signature.js')
    try {
      await this.#start()
      this.#say('warming up')
      await this.#measureRound(signer, load, false, this.#plan.warmUp)
      const rounds: Round[] = []
      for (let round = 0; round < this.#plan.rounds; round++) {
        this.#say(`round ${round + 1} of ${this.#plan.rounds}`)
        // Every second round goes the other way, so that nobody always follows the same neighbour.
        rounds.push(await this.#measureRound(signer, load, round % 2 === 1, this.#plan.phase))
      }
      return { rounds, afterLoad: this.#readMemory() }
    } finally {
      load.stop()
      signer.stop()
      for (const { server } of this.#targets.values()) await server.stop()
    }
  }

  async #start(): Promise<void> {
    for (const [name, { installed }] of [...this.#entries]) {
      await this.#attempt(name, 'starting it', async () => {
        const server = await ServerProcess.start(installed.recipe)
        try {
          this.#targets.set(name, new Target(server, installed, await installed.startSessions()))
        } catch (error) {
          server.kill()
          throw error
        }
      })
    }
  }

  async #measureRound(signer: Worker, load: Worker, backwards: boolean, phase: number): Promise<Round> {
    const { signatures, connections, leadIn } = this.#plan
    const samples: Sample[] = []
    const before = await measureSignature(signer, signatures / 2)
    for (const grant of grants) {
      for (const count of connections) {
        const turn = [...this.#targets.values()].filter((target) => target.supports(grant))
        for (const target of backwards ? turn.reverse() : turn) {
          await this.#attempt(target.name, `${grant} over ${count} connections`, async () => {
            samples.push(await target.measure(load, grant, count, phase, leadIn))
          })
        }
      }
    }
    const after = await measureSignature(signer, signatures / 2)
    return { signature: (before + after) / 2, samples }
  }

  #readMemory(): readonly AfterLoad[] {
    return [...this.#targets.values()].map(({ name, server, tokens }) => ({
      server: name,
      resident: readResident(server.pid),
      tokens,
    }))
  }

  /** One that fails is out of the contest from there on. */
  async #attempt(name: string, what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (this.#essential.has(name)) throw error
      const message = error instanceof Error ? error.message : String(error)
      this.#say(`${name} is left out: ${what} failed: ${message}`)
      this.#failures.push({ server: name, what, message })
      this.#targets.get(name)?.server.kill()
      this.#targets.delete(name)
      this.#entries.delete(name)
    }
  }
}
