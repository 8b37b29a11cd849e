import { type Command, InvalidArgumentError } from 'commander'
import { AdminError } from '../../admin/admin-error.ts'
import type { AuditVerdict, ExportedRecord } from '../../admin/audit-admin.ts'
import { parseDuration } from '../../lib/durations.ts'
import { administer } from '../administer.ts'
import { examples, formatTime, type Json, type Printable, print, say } from '../output.ts'

/** When an unsealed row is told of: a running server seals within a second, and a command before it ends. */
const unsealedNotice = 60_000

export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('read the audit trail and verify that nobody has changed it')
    .addHelpText(
      'before',
      examples('mintage audit tail', 'mintage audit verify', 'mintage audit export > audit.jsonl'),
    )

  audit
    .command('tail')
    .description('print the newest rows')
    .addHelpText('before', examples('mintage audit tail', 'mintage audit tail --lines 100 --json'))
    .option('--lines <n>', 'how many', countOption, 20)
    .option('--json', 'print JSON')
    .action(async ({ lines, json }: Json & { readonly lines: number }) => {
      const rows = await administer((administration) => administration.audit.tail(lines))
      print(
        rows.map(({ id, at, event: { type, ...data } }) => ({ id, at: formatTime(at), type, data })),
        json,
      )
    })

  audit
    .command('verify')
    .description('say whether rows were changed, deleted, inserted or cut off; exit 1 if so')
    .addHelpText('before', examples('mintage audit verify', 'mintage audit verify --json'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const verdict = await administer((administration) => administration.audit.verify())
      if (json === true) print(toJson(verdict), true)
      else for (const line of describe(verdict)) process.stdout.write(`${line}\n`)
      tellUnsealed(verdict)
      if (!verdict.intact) throw new AdminError('The audit trail is not intact.')
    })

  audit
    .command('export')
    .description('print every row as a line of JSON, oldest first')
    .addHelpText('before', examples('mintage audit export > audit.jsonl', 'mintage audit export --since 7d'))
    .option('--since <time>', 'only rows since this date, or this long ago', timeOption)
    .option('--json', 'as always: export prints JSON lines')
    .action(async ({ since }: { readonly since?: number }) => {
      await administer(async (administration) => {
        for await (const row of administration.audit.export(since)) {
          // A slow reader is waited for, so that a long trail never piles up in memory.
          if (!process.stdout.write(`${JSON.stringify(toLine(row))}\n`)) await drained()
        }
      })
    })

  audit
    .command('prune')
    .description('delete old rows and leave a signed checkpoint in their place')
    .addHelpText(
      'before',
      examples('mintage audit prune --before 365d', 'mintage audit prune --before 2026-01-01'),
    )
    .requiredOption('--before <time>', 'rows older than this date, or than this long ago', timeOption)
    .option('--json', 'print JSON')
    .action(async ({ before, json }: Json & { readonly before: number }) => {
      print({ deleted: await administer((administration) => administration.audit.prune(before)) }, json)
    })

  audit
    .command('rotate-key')
    .description('seal with a new key from now on, for the old one leaked or is lost')
    .addHelpText('before', examples('mintage audit rotate-key'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      print({ audit_key: await administer((administration) => administration.audit.rotateKey()) }, json)
    })
}

function describe(verdict: AuditVerdict): readonly string[] {
  const { rows, unsealed, head, findings, moreFindings } = verdict
  if (verdict.intact) {
    const waiting = unsealed === 0 ? '' : `, ${unsealed} of them not sealed yet`
    return [`Intact: ${rows} rows${waiting}; the chain ends at place ${head.sequence}.`]
  }
  const more = moreFindings > 0 ? [`And ${moreFindings} more.`] : []
  return [...findings.map(({ message }) => message), ...more]
}

function toJson(verdict: AuditVerdict): Printable {
  const { intact, rows, unsealed, head, mark, findings, moreFindings } = verdict
  return {
    intact,
    rows,
    unsealed,
    head: head.sequence,
    seal: head.seal,
    high_water_mark: mark,
    problems: findings.map(({ at, ...finding }) => ({
      ...finding,
      ...(at !== undefined && { at: formatTime(at) }),
    })),
    more_problems: moreFindings,
  }
}

/** No problem by itself: a process that was killed leaves such rows, and the next start seals them. */
function tellUnsealed({ unsealed, unsealedSince, mark }: AuditVerdict): void {
  if (unsealedSince !== undefined && Date.now() - unsealedSince > unsealedNotice) {
    say(
      `mintage: warning: ${unsealed} rows since ${formatTime(unsealedSince)} are not sealed: a process was killed, and no ` +
        'server runs. Until one does, they could be deleted without a trace.',
    )
  }
  if (mark === 'missing') {
    say(
      'mintage: warning: there is no high-water mark, so a tail that was cut together with the head would not show.',
    )
  }
}

function toLine({ data, at, ...row }: ExportedRecord): Printable {
  return { ...row, at: formatTime(at), data: parse(data) }
}

/** What somebody has changed may be no JSON any more, and is exported all the same. */
function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}

function drained(): Promise<void> {
  return new Promise((resolve) => process.stdout.once('drain', resolve))
}

function countOption(text: string): number {
  const value = Number(text)
  if (/^\d{1,6}$/.test(text) && value > 0) return value
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999.')
}

/** A date, or a duration that ends now; milliseconds since the epoch. */
function timeOption(text: string): number {
  const ago = parseDuration(text)
  const time = ago === undefined ? Date.parse(text) : Date.now() - ago
  if (Number.isFinite(time)) return time
  throw new InvalidArgumentError('Expected a date such as 2026-01-31, or a duration such as 90d.')
}
