import type { Command } from 'commander'
import type { AuditAdmin } from '../../admin/audit-admin.ts'
import { administer } from '../administer.ts'
import { countOption, given, momentOption } from '../options.ts'
import { cell, examples, formatTime, type Json, write } from '../output.ts'

type AuditRow = Awaited<ReturnType<ReturnType<AuditAdmin['export']>['next']>>['value']

interface TailOptions extends Json {
  readonly follow?: boolean
  readonly lines: number
  readonly type?: string
}

interface ExportOptions {
  readonly since?: number
  readonly until?: number
  readonly type?: string
}

export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('read the record of what changed trust')
    .addHelpText(
      'before',
      examples('mintage audit tail --follow', 'mintage audit export --since 7d > audit.ndjson'),
    )

  audit
    .command('tail')
    .description('show the newest rows, oldest first')
    .option('-n, --lines <n>', 'how many', countOption, 20)
    .option('-f, --follow', 'go on with those that come, until you stop it')
    .option('--type <type>', 'only these: login.failed, or login for all of that kind')
    .option('--json', 'print JSON, one object a line')
    .addHelpText(
      'before',
      examples(
        'mintage audit tail -n 50',
        'mintage audit tail --follow --type login',
        'mintage audit tail --json',
      ),
    )
    .action(async ({ follow, lines, type, json }: TailOptions) => {
      const stop = new AbortController()
      const onSignal = () => stop.abort()
      if (follow === true) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
      await administer(async (administration) => {
        const rows = administration.audit.tail(
          lines,
          given({ type, follow: follow === true ? stop.signal : undefined }),
        )
        for await (const row of rows) await write(json === true ? toLine(row) : toWords(row))
      })
    })

  audit
    .command('export')
    .description('print all rows, oldest first, as JSON with one object a line')
    .option('--since <moment>', 'from this date or time on, or so long ago', momentOption)
    .option('--until <moment>', 'before this date or time, or so long ago', momentOption)
    .option('--type <type>', 'only these: login.failed, or login for all of that kind')
    .option('--json', 'as always: it prints JSON')
    .addHelpText(
      'before',
      examples(
        'mintage audit export > audit.ndjson',
        'mintage audit export --since 2026-01-01 --until 2026-02-01 | gzip > january.ndjson.gz',
      ),
    )
    .action(async ({ since, until, type }: ExportOptions) => {
      await administer(async (administration) => {
        let waiting = ''
        for await (const row of administration.audit.export(given({ since, until, type }))) {
          waiting += toLine(row)
          if (waiting.length < 65_536) continue
          await write(waiting)
          waiting = ''
        }
        await write(waiting)
      })
    })
}

function toLine({ id, at, event }: AuditRow): string {
  return `${JSON.stringify({ id, at: formatTime(at), ...event })}\n`
}

function toWords({ at, event }: AuditRow): string {
  const { type, ...rest } = event
  const details = Object.entries(rest).map(([name, value]) => `${name}=${cell(value)}`)
  return `${formatTime(at)}  ${cell(type).padEnd(24)}  ${details.join(' ')}`.trimEnd().concat('\n')
}
