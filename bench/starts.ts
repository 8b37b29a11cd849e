import { setTimeout as delay } from 'node:timers/promises'
import { readResident } from './process-usage.ts'
import { ServerProcess, type ServerRecipe } from './server-process.ts'

/** What one start showed. */
export interface Start {
  readonly server: string
  /** From the spawn of the process to its first token, in milliseconds. */
  readonly firstToken: number
  /** CPU of the process up to then, in milliseconds. */
  readonly cpu: number
  /** Resident memory in bytes, after a while of nothing. */
  readonly idle: number
}

/** Starts a server on its database, lets it rest for `idle` milliseconds, and stops it. */
export async function measureStart(recipe: ServerRecipe, idle: number): Promise<Start> {
  const server = await ServerProcess.start(recipe)
  try {
    await delay(idle)
    return {
      server: recipe.name,
      firstToken: server.startedAfter,
      cpu: server.startCpu,
      idle: readResident(server.pid),
    }
  } finally {
    await server.stop()
  }
}
