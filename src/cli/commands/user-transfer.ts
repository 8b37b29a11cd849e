import { type Command, Option } from 'commander'
import { type SourceFormat, sourceFormats, type UserSource } from '../../transfer/source.ts'
import { administer } from '../administer.ts'
import { textOption } from '../options.ts'
import { examples, type Json, print, ReportedError, say, write } from '../output.ts'
import { Progress } from '../progress.ts'
import { chosenFrom } from '../suggestion.ts'
import { type ExportFormat, exportFormats, makeUserWriter } from '../user-writers.ts'

interface ExportOptions {
  readonly format: ExportFormat
  readonly withPasswordHashes?: boolean
}

interface ImportOptions extends Json {
  readonly format?: SourceFormat
  readonly mapping?: string
  readonly suggestMapping?: boolean
  readonly update?: boolean
  readonly dryRun?: boolean
}

/** So many characters are gathered before they are written. */
const chunk = 65_536

export function addUserTransferCommands(user: Command): void {
  user
    .command('export')
    .description('print all users, in the form that import reads, or that Django loads')
    .addOption(
      chosenFrom(
        new Option(
          '--format <format>',
          'one JSON object a line, CSV, or a fixture for manage.py loaddata',
        ).default('ndjson'),
        exportFormats,
      ),
    )
    .option('--with-password-hashes', 'the hashes too: who has them can guess the passwords at leisure')
    .option('--json', 'as always: it prints JSON, unless CSV is asked for')
    .addHelpText(
      'before',
      examples(
        'mintage user export > users.ndjson',
        '(umask 077; mintage user export --with-password-hashes > users.ndjson)',
        '(umask 077; mintage user export --format django --with-password-hashes > users.json)',
      ),
    )
    .action(async ({ format, withPasswordHashes }: ExportOptions) => {
      const writer = await makeUserWriter(format, withPasswordHashes === true)
      await administer(async ({ users }) => {
        let waiting = writer.head
        for (let pass = 1; pass <= writer.passes; pass++) {
          for await (const each of users.list()) {
            waiting += writer.toText(each, pass)
            if (waiting.length < chunk) continue
            await write(waiting)
            waiting = ''
          }
        }
        await write(waiting + writer.tail)
      })
      if (withPasswordHashes === true)
        say('What was printed holds password hashes: keep it as you would a secret.')
      for (const remark of writer.remarks()) say(`mintage: ${remark}`)
    })

  user
    .command('import')
    .description(
      'take users over from a Django project, or a list, with their password hashes where a login here can check them',
    )
    .argument(
      '<source>',
      'postgres://… or the SQLite file of a Django project, what manage.py dumpdata printed, NDJSON, ' +
        'or CSV with the names of the fields in its first row; - for stdin',
      textOption,
    )
    .addOption(
      chosenFrom(
        new Option('--format <format>', 'what the file holds (default: as it begins and its name ends)'),
        sourceFormats,
      ),
    )
    .option('--mapping <file>', 'TOML that says what becomes of which column of a Django project', textOption)
    .option('--suggest-mapping', 'print such a file for what the source holds, and do nothing else')
    .option(
      '--update',
      'give users who are there what the source says, instead of skipping them; another hash ends their sessions, ' +
        'also one that Django made of the same password at a login there; it disables, and enables nobody',
    )
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples(
        'mintage user import project/db.sqlite3 --dry-run',
        'PGPASSWORD=… mintage user import postgres://app@db.example/app --mapping users.toml',
        'mintage user import users.ndjson --update --json',
      ),
    )
    .action(async (source: string, options: ImportOptions) => {
      if (/^postgres(?:ql)?:\/\/[^/@]*:[^/@]+@/i.test(source)) {
        say(
          'mintage: whoever lists processes here reads the password in the URL: PGPASSWORD or ~/.pgpass hide it.',
        )
      }
      // Loaded here, since no other command needs it.
      const { openSource, suggestSourceMapping } = await import('../../transfer/open-source.ts')
      if (options.suggestMapping !== true) {
        await importUsers(await openSource(source, options), options)
        return
      }
      const mapping = await suggestSourceMapping(source, options)
      if (options.json === true) print({ mapping }, true)
      else await write(mapping)
    })
}

async function importUsers(opened: UserSource, options: ImportOptions): Promise<void> {
  const { update = false, dryRun = false, json = false } = options
  const progress = new Progress('mintage: importing')
  const refusedRows: { readonly row: string; readonly problem: string }[] = []
  const result = await administer(
    ({ userImport }) =>
      userImport.run(opened.rows, {
        update,
        dryRun,
        onRefused(row, problem) {
          progress.end()
          say(`mintage: ${row}: ${problem}`)
          if (json) refusedRows.push({ row, problem })
        },
        onProgress(sofar) {
          const rows = Object.values(sofar).reduce((sum, count) => sum + count, 0)
          progress.update(rows, 'users', opened.share())
        },
      }),
    { mayCreate: !dryRun },
  ).finally(async () => {
    progress.end()
    await opened.close()
  })
  const untaken = opened.untaken()
  if (untaken.length > 0) {
    say(`mintage: of ${opened.name} these were left behind: ${untaken.join(', ')}.`)
    say('mintage: --suggest-mapping prints a file that takes them, for --mapping.')
  }
  const { hashes, ...counts } = result
  const formats = Object.entries(hashes).map(([format, count]) => `${format}: ${count}`)
  if (json) print({ ...counts, hashes, dry_run: dryRun, refused_rows: refusedRows }, true)
  else print({ ...counts, hashes: formats.join(', ') || null, dry_run: dryRun })
  if (counts.refused === 0) return
  say(`mintage: refused rows: ${counts.refused}. Put them right, and run the same again.`)
  throw new ReportedError('Rows were refused.')
}
