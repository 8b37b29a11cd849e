import { Command, CommanderError } from 'commander'
import { OperatorError } from '../lib/operator-error.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import { readVersion } from '../lib/version.ts'
import { addApiCommands } from './commands/api.ts'
import { addClientCommands } from './commands/client.ts'
import { addConfigCommands } from './commands/config.ts'
import { addDevCommand } from './commands/dev.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addServeCommands } from './commands/serve.ts'
import { addSessionCommands } from './commands/session.ts'
import { addUserCommands } from './commands/user.ts'
import { chooseConfigFile } from './configuration.ts'
import { refuseRepetition, textOption } from './options.ts'
import { examples, hideValues, say } from './output.ts'

/**
 * Runs one command.
 * @returns the exit code: 0, 1 when it failed, 2 when it was used wrongly. A server goes on running after 0.
 */
export async function runCommand(argv: readonly string[]): Promise<number> {
  const program = new Command('mintage')
    .description('A standalone OAuth token issuer.')
    .version(readVersion(), '--version', 'print the version')
    .addHelpText('before', examples('mintage dev', 'mintage serve', 'mintage client create --help'))
    .option(
      '--config <file>',
      'read settings from this file (default: mintage.toml, if there is one)',
      textOption,
    )
    .configureHelp({ showGlobalOptions: true })
    .hook('preAction', (root) => chooseConfigFile(root.opts<{ config?: string }>().config))
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(hideValues(text)) })
    .exitOverride()
  addDevCommand(program)
  addServeCommands(program)
  addClientCommands(program)
  addUserCommands(program)
  addApiCommands(program)
  addSessionCommands(program)
  addKeyCommands(program)
  addConfigCommands(program)
  addDoctorCommand(program)
  refuseRepetition(program)
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
