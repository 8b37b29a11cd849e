import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../../config.ts'
import { loadConfig } from '../configuration.ts'
import { textOption } from '../options.ts'
import { examples, type Json, print, say } from '../output.ts'
import { Progress } from '../progress.ts'

export function addBackupCommand(program: Command): void {
  program
    .command('backup')
    .description('copy the database while servers run on it, and check the copy (SQLite)')
    .argument('<file>', 'where the copy goes; it gets mode 0600', textOption)
    .option('--force', 'replace the file if it is there')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples('mintage backup /backup/mintage.db', 'mintage backup "/backup/mintage-$(date +%F).db" --json'),
    )
    .action(async (file: string, { force, json }: Json & { readonly force?: boolean }) => {
      const config = await loadConfig()
      const { backUp } = await import('../../admin/backup.ts')
      const progress = new Progress('mintage: copying')
      const { file: written, bytes } = await backUp(config.databaseUrl, file, {
        overwrite: force === true,
        onProgress: ({ done, total }) => progress.update(done, 'pages', total === 0 ? 1 : done / total),
      }).finally(() => progress.end())
      const keep = listWhatElse(config)
      print(
        json === true
          ? {
              file: written,
              bytes,
              integrity: 'ok',
              also_keep: keep.map(({ what, path }) => ({ what, path })),
            }
          : { file: written, bytes, integrity: 'ok' },
        json,
      )
      say(
        'The copy alone restores no installation. Keep as well, and in another place, since who has both has all:',
      )
      for (const { what, path } of keep) say(`  ${what}: ${path}`)
    })
}

function listWhatElse({ keysDir, stateDir, vaultKey }: Config): readonly { what: string; path: string }[] {
  return [
    vaultKey
      ? {
          what: 'the vault key (the private keys are in the copy, and nobody opens them without it)',
          path: 'the value of MINTAGE_VAULT_KEY, or the file that MINTAGE_VAULT_KEY_FILE names',
        }
      : { what: 'the private keys', path: resolve(keysDir) },
    {
      what: 'not the high-water mark (leave it in place when you restore: by it a start knows an old database)',
      path: resolve(stateDir ?? keysDir, 'high-water-mark.json'),
    },
    { what: 'the configuration', path: 'the variables MINTAGE_…, and the files that they name' },
  ]
}
