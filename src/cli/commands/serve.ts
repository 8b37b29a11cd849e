import { availableParallelism } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import { withoutPassword } from '../../config.ts'
import { loadConfig } from '../configuration.ts'
import { examples, type Json, print, warn } from '../output.ts'
import { stopOnSignals } from '../stop-signals.ts'

function workersOption(text: string): number {
  if (text === 'auto') return availableParallelism()
  if (!/^[1-9]\d{0,2}$/.test(text))
    throw new InvalidArgumentError('Expected a number from 1 to 999, or auto.')
  return Number(text)
}

export function addServeCommands(program: Command): void {
  program
    .command('serve')
    .description('run the configured issuer')
    .option('--workers <n>', 'how many processes serve on one port; auto: as many as cores', workersOption, 1)
    .option('--json', 'as always: serve logs JSON')
    .addHelpText(
      'before',
      examples('MINTAGE_ISSUER=https://issuer.example mintage serve', 'mintage serve --workers auto'),
    )
    .action(async ({ workers }: { readonly workers: number }) => {
      if (workers > 1) {
        const { serveWithWorkers } = await import('../serve-workers.ts')
        await serveWithWorkers(await loadConfig(), workers)
        return
      }
      // Loaded here, since the commands that administer need nothing of what answers requests.
      const { startIssuer } = await import('../../compose.ts')
      const running = await startIssuer({ config: await loadConfig() })
      stopOnSignals(running)
      const ready = { event: 'listening', url: running.url, issuer: running.issuer }
      process.stdout.write(`${JSON.stringify(ready)}\n`)
    })

  program
    .command('migrate')
    .description('bring the schema of the database up to date; serve and dev do it too')
    .addHelpText(
      'before',
      examples('mintage migrate', 'MINTAGE_DATABASE_URL=sqlite:/srv/mintage.db mintage migrate --json'),
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const config = await loadConfig()
      const { openInstallation } = await import('../../compose/installation.ts')
      const installation = await openInstallation(config, { onProblem: warn })
      await installation.close()
      print({ database: withoutPassword(config.databaseUrl), schema: 'up to date' }, json)
    })
}
