import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { OperatorError } from '../lib/operator-error.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import { addApiCommands } from './commands/api.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addClientCommands } from './commands/client.ts'
import { addDevCommand } from './commands/dev.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addRecoverCommand } from './commands/recover.ts'
import { addServeCommands } from './commands/serve.ts'
import { addSessionCommands } from './commands/session.ts'
import { addUserCommands } from './commands/user.ts'
import { refuseRepetition } from './options.ts'
import { examples, say } from './output.ts'

/**
 * Runs one command.
 * @returns the exit code: 0, 1 when it failed, 2 when it was used wrongly. A server goes on running after 0.
 */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const program = new Command('mintage')
    .description('A standalone OAuth token issuer.')
    .version(readVersion(), '--version', 'print the version')
    .addHelpText('before', examples('mintage dev', 'mintage serve', 'mintage client create --help'))
    .showSuggestionAfterError()
    .exitOverride()
  addDevCommand(program)
  addServeCommands(program)
  addClientCommands(program)
  addUserCommands(program)
  addApiCommands(program)
  addSessionCommands(program)
  addKeyCommands(program)
  addAuditCommands(program)
  addRecoverCommand(program)
  inheritExit(program)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    complain(error)
    return 1
  }
}

/** The version that the package says it has. */
function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'))
  return String(version)
}

/** Commands made before `exitOverride` was called do not know of it. */
function inheritExit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
    refuseRepetition(child)
    inheritExit(child)
  }
}

/** An error for the operator is a sentence; the text of any other was written for a developer. */
function complain(thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  for (const line of error.message.split('\n')) say(`mintage: ${line}`)
  if (error instanceof OperatorError || error instanceof UnavailableError) return
  say(error.stack ?? '')
}
