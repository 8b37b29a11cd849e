import type { Administration } from '../admin/administration.ts'
import { openInstallation } from '../compose.ts'
import { readConfig } from '../config.ts'
import { warn } from './output.ts'

/**
 * Runs one use case on the installation that the environment names, and lets go of it.
 * @param options.create whether it may be the first: a mistyped path is no new installation for all the others.
 */
export async function administer<T>(
  use: (administration: Administration) => Promise<T>,
  { create = false }: { readonly create?: boolean } = {},
): Promise<T> {
  const installation = await openInstallation(readConfig(process.env), { onProblem: warn, create })
  try {
    return await use(installation.administration)
  } finally {
    await installation.close()
  }
}
