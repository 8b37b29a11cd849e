import type { MintageRecipe } from '../installation.ts'
import { readResident } from '../process-usage.ts'
import { ServerProcess } from '../server-process.ts'
import { type Load, refreshLines, type Sample } from './load.ts'
import type { Line } from './phase.ts'
import type { World } from './world.ts'

/** Whether the pages of the database were in memory: those of the whole file, as far as there is room, or none. */
export type Temperature = 'warm' | 'cold'

export interface RefreshSample extends Sample {
  readonly sessions: number
  readonly temperature: Temperature
}

export interface GrowthStart {
  readonly sessions: number
  readonly temperature: Temperature
  /** From the spawn of the process to its first token, in milliseconds. */
  readonly milliseconds: number
  /** CPU until then, in milliseconds. */
  readonly cpu: number
  /** In bytes. */
  readonly resident: number
}

/** Starts and stops a server on each world in turn. */
export async function measureStarts(
  worlds: readonly World[],
  count: number,
): Promise<readonly GrowthStart[]> {
  const starts: GrowthStart[] = []
  for (let turn = 0; turn < 2 * count; turn++) {
    for (const world of worlds) {
      const temperature = turn % 2 === 0 ? 'warm' : 'cold'
      if (temperature === 'cold') world.forgetFile()
      const server = await ServerProcess.start(world.recipe)
      const { startedAfter: milliseconds, startCpu: cpu } = server
      const resident = readResident(server.pid)
      starts.push({ sessions: world.sessions, temperature, milliseconds, cpu, resident })
      await server.stop()
    }
  }
  return starts
}

export interface RefreshPlan {
  readonly rounds: number
  /** In milliseconds. */
  readonly phase: number
  readonly warmUp: number
  /** How many sessions a phase refreshes at most, before it goes on with those it began with. */
  readonly drawn: number
}

/**
 * Refreshes random sessions of each world, one world after the other in each round: with the file's pages in memory,
 * and, but for the smallest world, which is in memory anyway, with none of them. The servers run all the time.
 */
export async function measureRefreshes(
  worlds: readonly World[],
  load: Load,
  plan: RefreshPlan,
  say: (text: string) => void,
): Promise<readonly (readonly RefreshSample[])[]> {
  const targets: {
    readonly world: World
    readonly server: ServerProcess<MintageRecipe>
    lines: readonly Line[]
  }[] = []
  try {
    for (const world of worlds) {
      targets.push({ world, server: await ServerProcess.start(world.recipe), lines: [] })
    }
    const measure = async (target: (typeof targets)[number], milliseconds: number) => {
      const { world, server } = target
      // Small worlds have no sessions to spare, and go on with those that they have.
      if (target.lines.length < world.sessions) {
        target.lines = refreshLines(server.recipe.authorization, world.draw(plan.drawn))
      }
      const { sample, lines } = await load.measure(server, target.lines, milliseconds)
      target.lines = lines
      return sample
    }
    say('warming up')
    for (const target of targets) await measure(target, plan.warmUp)
    const rounds: RefreshSample[][] = []
    for (let round = 0; round < plan.rounds; round++) {
      say(`refreshes, round ${round + 1} of ${plan.rounds}`)
      const samples: RefreshSample[] = []
      for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
        const { sessions } = target.world
        samples.push({ sessions, temperature: 'warm', ...(await measure(target, plan.phase)) })
      }
      for (const target of targets.slice(1)) {
        const { sessions } = target.world
        target.world.forgetFile()
        samples.push({ sessions, temperature: 'cold', ...(await measure(target, plan.phase)) })
        target.world.rememberFile()
      }
      rounds.push(samples)
    }
    return rounds
  } finally {
    for (const { server } of targets) await server.stop()
  }
}
