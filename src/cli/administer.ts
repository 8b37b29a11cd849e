import type { Administration } from '../admin/administration.ts'
import { loadConfig } from './configuration.ts'
import { say, warn } from './output.ts'

/**
 * Runs one use case on the installation that the configuration names, and lets go of it. Only one that begins
 * something may make the database: whoever asks what there is has mistyped its path when there is none.
 */
export async function administer<T>(
  use: (administration: Administration) => Promise<T>,
  { mayCreate = false, anyVault = false }: { readonly mayCreate?: boolean; readonly anyVault?: boolean } = {},
): Promise<T> {
  // Loaded here, since a server needs nothing of what administers.
  const { openInstallation } = await import('../compose/installation.ts')
  const installation = await openInstallation(await loadConfig(), {
    onProblem: warn,
    mustExist: !mayCreate,
    anyVault,
  })
  const { newFile } = installation.store
  try {
    const result = await use(installation.administration)
    // A mistyped path looks like an installation where nothing has been made yet.
    if (newFile !== undefined) say(`mintage: there was no database, so ${newFile} was made.`)
    return result
  } finally {
    await installation.close()
  }
}
