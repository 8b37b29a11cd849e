import type { Command } from 'commander'
import {
  aboutSetting,
  ConfigError,
  keyOf,
  missingIssuer,
  type SettingInForce,
  toTomlValue,
} from '../../config.ts'
import { examineConfiguration } from '../configuration.ts'
import { examples, type Json, type Printable, print, say } from '../output.ts'

export function addConfigCommands(program: Command): void {
  const config = program
    .command('config')
    .description('check the configuration, and show where each value comes from')
    .addHelpText('before', examples('mintage config check', 'mintage config print'))

  config
    .command('check')
    .description('say what would keep serve from starting; exit 1 when something would')
    .addHelpText(
      'before',
      examples('mintage config check', 'mintage config check --config mintage.toml --json'),
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const { problems, warnings } = await check()
      const isValid = problems.length === 0
      if (json === true) print({ valid: isValid, problems, warnings }, true)
      else for (const warning of warnings) say(`mintage: warning: ${warning}`)
      if (!isValid) throw new ConfigError(problems)
      if (json !== true) print({ configuration: warnings.length === 0 ? 'good' : 'good, with warnings' })
    })

  config
    .command('print')
    .description('show every setting, its value and where that comes from; secrets are left out')
    .addHelpText(
      'before',
      examples('mintage config print', 'mintage config print --config mintage.toml --json'),
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const { problems, warnings, inForce } = await examineConfiguration()
      if (problems.length > 0) throw new ConfigError(problems)
      for (const warning of warnings) say(`mintage: warning: ${warning}`)
      print(
        inForce.map((setting) => describe(setting, json === true)),
        json,
      )
    })
}

/** What cannot even be read is told like everything else. */
async function check(): Promise<{
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}> {
  try {
    const { problems, warnings, inForce } = await examineConfiguration()
    const issuer = inForce.find(({ variable }) => variable === 'MINTAGE_ISSUER')?.value
    return { problems: issuer === undefined ? [...problems, missingIssuer] : problems, warnings }
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems, warnings: [] }
    throw error
  }
}

/** A program also gets what the setting is called in `mintage.toml`, and values as they stand there. */
function describe({ variable, value, source }: SettingInForce, isForProgram: boolean): Printable {
  if (!isForProgram) return { setting: variable, value: value ?? null, source }
  return {
    setting: variable,
    key: keyOf(variable),
    value: toTomlValue(variable, value),
    source,
    default: toTomlValue(variable, aboutSetting(variable).default),
  }
}
