import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import type { SharedInstallation } from '../support/shared-installation.ts'
import type { Command } from './commands.ts'
import type { Nodes } from './nodes.ts'
import { type Lives, type Tally, World } from './world.ts'

export interface ModelOptions {
  readonly installation: SharedInstallation
  readonly nodes: Nodes
  readonly lives: Lives
  readonly commands: fc.Arbitrary<Command>[]
  readonly runs: number
  readonly maxCommands: number
}

/** More of everything than the suite has time for: `MINTAGE_TEST_EFFORT=20 npx ava dist/test/refresh`. */
export const effort = Number(process.env['MINTAGE_TEST_EFFORT'] ?? 1)

/** What the model tried, and what is wrong. */
export interface ModelOutcome {
  readonly runs: number
  /** How often each operation came to what. */
  readonly tally: Tally
  readonly operations: number
  /** The shortest story that was found of a violation; undefined when there is none. */
  readonly violation: string | undefined
}

/** Runs the model and shrinks what fails. */
export async function checkModel(options: ModelOptions): Promise<ModelOutcome> {
  const { installation, nodes, lives } = options
  const tally: Tally = new Map()
  let runs = 0
  const property = fc.asyncProperty(
    fc.commands(options.commands, { maxCommands: options.maxCommands, size: 'max' }),
    async (commands) => {
      runs++
      const world = new World(installation, nodes, lives, tally)
      try {
        await world.login(installation.service.id, 0, false)
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands)
      } finally {
        world.close()
      }
    },
  )
  const outcome = await fc.check(property, { numRuns: options.runs })
  const tried = [...tally].filter(([what]) => !what.startsWith('honest'))
  const operations = tried.reduce((sum, [, count]) => sum + count, 0)
  const violation = outcome.failed
    ? `${fc.defaultReportMessage(outcome)}\n${outcome.errorInstance}`
    : undefined
  return { runs, tally, operations, violation }
}

/** Runs the model, and tells what was tried. */
export async function runModel(t: ExecutionContext, options: ModelOptions): Promise<void> {
  const { runs, tally, operations, violation } = await checkModel(options)
  t.log(`runs ${runs}, operations ${operations}, violations ${violation === undefined ? 0 : 1}`)
  for (const [what, count] of [...tally].sort()) t.log(`${String(count).padStart(7)} ${what}`)
  t.is(violation, undefined)
}
