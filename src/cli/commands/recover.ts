import type { Command } from 'commander'
import { administer } from '../administer.ts'
import { examples, type Json, print, say } from '../output.ts'

interface RecoverOptions extends Json {
  readonly endSessions?: boolean
  readonly acceptResurrection?: boolean
}

export function addRecoverCommand(program: Command): void {
  program
    .command('recover')
    .description('go on after an old database was brought back, which serve refuses')
    .option('--end-sessions', 'end all sessions and revoke all keys: nothing issued before works any more')
    .option('--accept-resurrection', 'take the database as it is, with whatever works again in it')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples('mintage recover --end-sessions', 'mintage recover --accept-resurrection'),
    )
    .action(async ({ endSessions, acceptResurrection, json }: RecoverOptions, command: Command) => {
      if ((endSessions === true) === (acceptResurrection === true)) {
        command.error('error: say one of: --end-sessions, --accept-resurrection', { exitCode: 2 })
      }
      const way = endSessions === true ? 'end_sessions' : 'accept_resurrection'
      const ended = await administer(({ recovery }) => recovery.recover(way))
      print({ recovered: way, sessions_ended: ended }, json)
      say(
        'mintage: what else was changed since that backup is as it was then: users and clients that were disabled or ' +
          'deleted since work again, and so do the passwords and client secrets of that time. See to them before you serve.',
      )
    })
}
