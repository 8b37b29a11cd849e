import { type Command, Option } from 'commander'
import type { UserAdmin } from '../../admin/user-admin.ts'
import { administer } from '../administer.ts'
import { textOption } from '../options.ts'
import {
  examples,
  formatTime,
  type Json,
  type Printable,
  print,
  ReportedError,
  say,
  write,
} from '../output.ts'
import { Progress } from '../progress.ts'
import { chosenFrom } from '../suggestion.ts'
import { openUserFile, type UserFormat } from '../user-rows.ts'

interface ExportOptions {
  readonly format: UserFormat
  readonly withPasswordHashes?: boolean
}

interface ImportOptions extends Json {
  readonly format?: UserFormat
  readonly update?: boolean
  readonly dryRun?: boolean
}

const formats = ['ndjson', 'csv'] as const

type User = Awaited<ReturnType<UserAdmin['get']>>

/** So many characters are gathered before they are written. */
const chunk = 65_536

export function addUserTransferCommands(user: Command): void {
  user
    .command('export')
    .description('print all users, in the form that import reads')
    .addOption(
      chosenFrom(
        new Option('--format <format>', 'one JSON object a line, or CSV').default('ndjson'),
        formats,
      ),
    )
    .option('--with-password-hashes', 'the hashes too: who has them can guess the passwords at leisure')
    .option('--json', 'as always: it prints JSON, unless CSV is asked for')
    .addHelpText(
      'before',
      examples(
        'mintage user export > users.ndjson',
        '(umask 077; mintage user export --with-password-hashes > users.ndjson)',
      ),
    )
    .action(async ({ format, withPasswordHashes }: ExportOptions) => {
      const toText = format === 'csv' ? await makeCsvWriter() : toLine
      await administer(async ({ users }) => {
        let waiting = ''
        let isFirst = true
        for await (const each of users.list()) {
          waiting += toText(describe(each, withPasswordHashes === true), isFirst)
          isFirst = false
          if (waiting.length < chunk) continue
          await write(waiting)
          waiting = ''
        }
        await write(waiting)
      })
      if (withPasswordHashes === true)
        say('What was printed holds password hashes: keep it as you would a secret.')
    })

  user
    .command('import')
    .description('take users over from a file, with their password hashes where a login here can check them')
    .argument(
      '<file>',
      'NDJSON, or CSV with the names of the fields in its first row; - for stdin',
      textOption,
    )
    .addOption(
      chosenFrom(
        new Option('--format <format>', 'what the file holds (default: as its name ends, or ndjson)'),
        formats,
      ),
    )
    .option(
      '--update',
      'give users who are there what the file says, instead of skipping them; another hash ends their sessions',
    )
    .option('--dry-run', 'only say what would be done')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples('mintage user import users.csv --dry-run', 'mintage user import users.ndjson --update --json'),
    )
    .action(async (path: string, { format, update, dryRun, json }: ImportOptions) => {
      const file = openUserFile(path, format ?? (/\.csv$/i.test(path) ? 'csv' : 'ndjson'))
      const progress = new Progress('mintage: importing')
      const counts = await administer(
        ({ userImport }) =>
          userImport.run(file.rows, {
            update: update === true,
            dryRun: dryRun === true,
            onRefused(line, problem) {
              progress.end()
              say(`mintage: line ${line}: ${problem}`)
            },
            onProgress(sofar) {
              const rows = Object.values(sofar).reduce((sum, count) => sum + count, 0)
              progress.update(rows, 'users', file.share())
            },
          }),
        { mayCreate: dryRun !== true },
      ).finally(() => progress.end())
      print({ ...counts, dry_run: dryRun === true }, json)
      if (counts.refused === 0) return
      say(`mintage: refused rows: ${counts.refused}. Put them right, and run the same again.`)
      throw new ReportedError('Rows were refused.')
    })
}

function describe(user: User, withHash: boolean): Printable {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    claims: user.claims,
    disabled: user.disabledAt !== null,
    created_at: formatTime(user.createdAt),
    ...(withHash && { password_hash: user.password, password_normalised: user.passwordNormalised }),
  }
}

function toLine(row: Printable): string {
  return `${JSON.stringify(row)}\n`
}

async function makeCsvWriter(): Promise<(row: Printable, isFirst: boolean) => string> {
  // Loaded here, since no other command needs it.
  const { stringify } = await import('csv-stringify/sync')
  return (row, isFirst) =>
    stringify([row], { header: isFirst, cast: { boolean: String, object: (value) => JSON.stringify(value) } })
}
