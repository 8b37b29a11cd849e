import type { Command } from 'commander'
import type { SessionAdmin } from '../../admin/session-admin.ts'
import { administer } from '../administer.ts'
import { given } from '../options.ts'
import { examples, formatTime, type Json, type Printable, print } from '../output.ts'

interface RevokeOptions extends Json {
  readonly user?: string
  readonly all?: boolean
}

export function addSessionCommands(program: Command): void {
  const session = program
    .command('session')
    .description('look at sessions and end them')
    .addHelpText('before', examples('mintage session list --user ada', 'mintage session revoke --user ada'))

  session
    .command('list')
    .description('list sessions, newest first')
    .addHelpText('before', examples('mintage session list', 'mintage session list --user ada --json'))
    .option('--user <user>', 'only those of this user name, e-mail or id')
    .option('--client <id>', 'only those of this client')
    .option('--json', 'print JSON')
    .action(async ({ user, client, json }: Json & { readonly user?: string; readonly client?: string }) => {
      print((await administer(({ sessions }) => sessions.list(given({ user, client })))).map(describe), json)
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
}

function describe(session: Awaited<ReturnType<SessionAdmin['list']>>[number]): Printable {
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
