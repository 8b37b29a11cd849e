import type { Administration } from '../admin/administration.ts'
import { openInstallation } from '../compose.ts'
import { readConfig } from '../config.ts'
import { warn } from './output.ts'

/** Runs one use case on the installation that the environment names, and lets go of it. */
export async function administer<T>(use: (administration: Administration) => Promise<T>): Promise<T> {
  const installation = await openInstallation(readConfig(process.env), warn)
  try {
    return await use(installation.administration)
  } finally {
    await installation.close()
  }
}
