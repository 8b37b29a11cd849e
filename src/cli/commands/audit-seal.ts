import type { Command } from 'commander'
import { AdminError } from '../../admin/admin-error.ts'
import type { AuditVerdict } from '../../admin/audit-seal-admin.ts'
import { administer } from '../administer.ts'
import { momentOption } from '../options.ts'
import { examples, formatTime, type Json, type Printable, print, say } from '../output.ts'

/** When an unsealed row is told of: a running server seals within a second, and a command before it ends. */
const unsealedNotice = 60_000

/** Adds what has to do with the seal to the audit commands that are there. */
export function addAuditSealCommands(program: Command): void {
  const audit = program.commands.find((command) => command.name() === 'audit')
  if (!audit) throw new Error('The audit commands come first.')

  audit
    .command('verify')
    .description('say whether rows were changed, deleted, inserted or cut off; exit 1 if so')
    .addHelpText('before', examples('mintage audit verify', 'mintage audit verify --json'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const verdict = await administer((administration) => administration.auditSeal.verify())
      if (json === true) print(toJson(verdict), true)
      else for (const line of describe(verdict)) process.stdout.write(`${line}\n`)
      tellUnsealed(verdict)
      if (!verdict.intact) throw new AdminError('The audit trail is not intact.')
    })

  audit
    .command('prune')
    .description('delete old rows and leave a signed checkpoint in their place')
    .addHelpText(
      'before',
      examples('mintage audit prune --before 365d', 'mintage audit prune --before 2026-01-01'),
    )
    .requiredOption('--before <time>', 'rows older than this date, or than this long ago', momentOption)
    .option('--json', 'print JSON')
    .action(async ({ before, json }: Json & { readonly before: number }) => {
      print({ deleted: await administer((administration) => administration.auditSeal.prune(before)) }, json)
    })

  audit
    .command('rotate-key')
    .description('seal with a new key from now on, for the old one leaked or is lost')
    .addHelpText('before', examples('mintage audit rotate-key'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      print({ audit_key: await administer((administration) => administration.auditSeal.rotateKey()) }, json)
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
