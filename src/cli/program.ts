import { Command, CommanderError } from 'commander'
import { OperatorError } from '../lib/operator-error.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import { readVersion } from '../lib/version.ts'
import { addApiCommands } from './commands/api.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addAuditSealCommands } from './commands/audit-seal.ts'
import { addBackupCommand } from './commands/backup.ts'
import { addClientCommands } from './commands/client.ts'
import { addCompletionCommand } from './commands/completion.ts'
import { addConfigCommands } from './commands/config.ts'
import { addDevCommand } from './commands/dev.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addKeyCommands } from './commands/keys.ts'
import { addRecoverCommand } from './commands/recover.ts'
import { addServeCommands } from './commands/serve.ts'
import { addSessionCommands } from './commands/session.ts'
import { addThrottleCommands } from './commands/throttle.ts'
import { addTokenCommands } from './commands/token.ts'
import { addUserCommands } from './commands/user.ts'
import { chooseConfigFile } from './configuration.ts'
import { refuseRepetition, textOption } from './options.ts'
import { examples, hideValues, OutputLostError, ReportedError, say } from './output.ts'

/**
 * Runs one command.
 * @returns the exit code: 0, 1 when it failed, 2 when it was used wrongly. A server goes on running after 0.
 */
export async function runCommand(argv: readonly string[]): Promise<number> {
  // Node puts this character where bytes were no text, so that many names would become one.
  const broken = argv.findIndex((argument) => argument.includes('\uFFFD'))
  if (broken !== -1) {
    say(`error: argument ${broken + 1} is not text in UTF-8`)
    return 2
  }
  try {
    await createProgram().parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof OutputLostError || error instanceof ReportedError) return 1
    complain(error)
    return 1
  }
}

/** Every command there is. */
export function createProgram(): Command {
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
    .configureOutput({ outputError: (words, write) => write(tame(hideValues(words))) })
    .exitOverride()
  addDevCommand(program)
  addServeCommands(program)
  addClientCommands(program)
  addUserCommands(program)
  addApiCommands(program)
  addSessionCommands(program)
  addThrottleCommands(program)
  addKeyCommands(program)
  addTokenCommands(program)
  addBackupCommand(program)
  addRecoverCommand(program)
  addAuditCommands(program)
  addAuditSealCommands(program)
  addCompletionCommand(program)
  addConfigCommands(program)
  addDoctorCommand(program)
  refuseRepetition(program)
  inheritExit(program)
  return program
}

/** What is wrong with the use of a command repeats what was said, and that may be anything. */
function tame(words: string): string {
  return words.replace(/[^\P{Cc}\n]/gu, '\uFFFD').replace(/[^\n]{500,}/g, (line) => `${line.slice(0, 200)}…`)
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
  for (const line of tame(error.message).split('\n')) say(`mintage: ${line}`)
  if (error instanceof OperatorError || error instanceof UnavailableError) return
  say(tame(error.stack ?? ''))
}
