import type { Command } from 'commander'
import type { SessionAdmin } from '../../admin/session-admin.ts'
import { administer } from '../administer.ts'
import { countOption, given, textOption } from '../options.ts'
import { examples, formatTime, type Json, type Printable, print, printEach, say } from '../output.ts'

interface RevokeOptions extends Json {
  readonly user?: string
  readonly all?: boolean
}

interface ListOptions extends Json {
  readonly user?: string
  readonly client?: string
  readonly active?: boolean
  readonly limit?: number
}

type ListedSession = Awaited<ReturnType<ReturnType<SessionAdmin['list']>['next']>>['value']

/** More rows than that nobody reads on a screen. */
const tableLimit = 100

export function addSessionCommands(program: Command): void {
  const session = program
    .command('session')
    .description('look at sessions and end them')
    .addHelpText('before', examples('mintage session list --user ada', 'mintage session revoke --user ada'))

  session
    .command('list')
    .description('list sessions, newest first')
    .addHelpText(
      'before',
      examples('mintage session list --active', 'mintage session list --user ada --json'),
    )
    .option('--user <user>', 'only those of this user name, e-mail or id')
    .option('--client <id>', 'only those of this client')
    .option('--active', 'leave out those that have ended or expired')
    .option(
      '--limit <n>',
      `how many at most (default: ${tableLimit}, and all of them with --json)`,
      countOption,
    )
    .option('--json', 'print JSON')
    .action(async ({ user, client, active, limit, json }: ListOptions) => {
      const most = limit ?? (json === true ? undefined : tableLimit)
      // One more than is shown tells whether there are more.
      const asked = most === undefined ? undefined : most + 1
      let more = false
      await administer(async ({ sessions }) => {
        const rows = sessions.list(given({ user, client, active, limit: asked }))
        await printEach(take(rows, most), json)
      })
      if (more)
        say(
          `There are more than these ${most}: say --limit, or narrow them with --user, --client or --active.`,
        )

      async function* take(rows: AsyncIterable<ListedSession>, count = Number.POSITIVE_INFINITY) {
        let taken = 0
        for await (const row of rows) {
          if (taken++ < count) yield describe(row)
          else more = true
        }
      }
    })

  session
    .command('revoke')
    .description('end one session, all of a user, or every one')
    .argument('[id]', 'the sid of the session')
    .option('--user <user>', 'all sessions of this user name, e-mail or id')
    .option('--all', 'every session there is')
    .option('--json', 'print JSON')
    .addHelpText('before', examples('mintage session revoke ses_…', 'mintage session revoke --user ada'))
    .action(async (id: string | undefined, { user, all, json }: RevokeOptions, command: Command) => {
      if ([id !== undefined, user !== undefined, all === true].filter(Boolean).length !== 1) {
        command.error('error: say one of: the id of a session, --user USER, --all', { exitCode: 2 })
      }
      const revoked = await administer(async ({ sessions }) => {
        if (all === true) return sessions.revokeAll()
        if (user !== undefined) return sessions.revokeUser(user)
        return sessions.revoke(id ?? '')
      })
      print({ revoked }, json)
    })

  session
    .command('import-blacklist')
    .description(
      'refuse the refresh tokens that a Django project has blacklisted, and end the sessions that they became',
    )
    .argument('<source>', 'postgres://… or the SQLite file of the project', textOption)
    .option('--json', 'print JSON')
    .addHelpText('before', examples('mintage session import-blacklist project/db.sqlite3'))
    .action(async (source: string, { json }: Json) => {
      const { openBlacklist } = await import('../../transfer/blacklist.ts')
      const { tokens, close } = await openBlacklist(source)
      const counts = await administer(({ blacklistImport }) => blacklistImport.run(tokens)).finally(close)
      const { endedSessions, ...rest } = counts
      print({ ...rest, ended_sessions: endedSessions }, json)
    })
}

function describe(session: ListedSession): Printable {
  return {
    sid: session.sid,
    user: session.username ?? session.user,
    client: session.clientId ?? session.client,
    scope: session.scope,
    audience: session.audience,
    generation: session.generation,
    created_at: formatTime(session.createdAt),
    refreshed_at: formatTime(session.rotatedAt),
    idle_expires_at: formatTime(session.idleExpiresAt),
    expires_at: formatTime(session.expiresAt),
    ended_at: formatTime(session.endedAt),
    end_reason: session.endReason,
  }
}
