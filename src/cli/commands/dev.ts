import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import {
  type Config,
  ConfigError,
  type ConfigFile,
  isLoopback,
  keyOf,
  readConfig,
  withoutKeys,
} from '../../config.ts'
import { configSources } from '../configuration.ts'
import { type DevAccounts, devPublicClient, prepareDevAccounts } from '../dev-accounts.ts'
import { given, portOption, textOption } from '../options.ts'
import { examples } from '../output.ts'
import { stopOnSignals } from '../stop-signals.ts'

/** `dev` keeps its hands off whatever production may use. */
const refused = [
  'MINTAGE_ISSUER',
  'MINTAGE_DATABASE_URL',
  'MINTAGE_KEYS_DIR',
  'MINTAGE_VAULT_KEY',
  'MINTAGE_VAULT_KEY_PREVIOUS',
  'MINTAGE_STATE_DIR',
]

interface DevOptions {
  readonly port?: number
  readonly data: string
  readonly json?: boolean
}

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('run an issuer on loopback that needs no configuration')
    .option('--port <n>', 'the port (default: MINTAGE_PORT or 8080; 0 takes a free one)', portOption)
    .option('--data <dir>', 'where database, keys and accounts are kept', textOption, '.mintage')
    .option('--json', 'print what there is as one line of JSON once it accepts requests')
    .addHelpText('before', examples('mintage dev', 'mintage dev --port 0 --data /tmp/issuer --json'))
    .action(async (options: DevOptions) => {
      const data = resolve(options.data)
      const config = await readDevConfig(data, options.port)
      let accounts: DevAccounts | undefined
      const { startIssuer } = await import('../../compose.ts')
      const running = await startIssuer({
        config,
        // Stdout belongs to the ready line.
        logTo: 2,
        prepare: async (url) => {
          accounts = await prepareDevAccounts(data, config)
          return url
        },
      })
      stopOnSignals(running)
      if (!accounts) throw new Error('The issuer started without its accounts.')
      const ready = { issuer: running.issuer, ...accounts, data }
      process.stdout.write(options.json === true ? `${JSON.stringify(ready)}\n` : describe(ready))
    })
}

async function readDevConfig(data: string, port: number | undefined): Promise<Config> {
  const taken = refused.flatMap((name) => [name, `${name}_FILE`]).filter((name) => process.env[name])
  if (taken.length > 0) {
    throw new ConfigError(
      taken.map(
        (name) =>
          `${name} is set, but mintage dev takes no production setting: unset it, or use mintage serve.`,
      ),
    )
  }
  const { environment, file } = await configSources()
  const { kept, warnings } = leaveProduction(file)
  const config = readConfig(environment, {
    file: kept,
    defaults: {
      MINTAGE_ADMIN_PORT: 'off',
      MINTAGE_THROTTLE: 'off',
      MINTAGE_SIMPLEJWT_CLIENT: devPublicClient,
      MINTAGE_DRF_JWT_CLIENT: devPublicClient,
      MINTAGE_PYJWT_CLIENT: devPublicClient,
    },
  })
  if (!isLoopback(config.host)) {
    throw new ConfigError([
      `MINTAGE_HOST is ${JSON.stringify(config.host)}: mintage dev listens on loopback only.`,
    ])
  }
  return {
    ...config,
    ...given({ port }),
    databaseUrl: `sqlite:${join(data, 'mintage.db')}`,
    keysDir: join(data, 'keys'),
    warnings: [...warnings, ...config.warnings],
  }
}

/**
 * The file lies in a project for `serve`, and whoever runs `dev` there did not ask for what it says of production;
 * an exported variable did.
 */
function leaveProduction(file: ConfigFile | undefined) {
  if (!file) return { kept: undefined, warnings: [] }
  const production = new Set(refused.map(keyOf).flatMap((key) => [key, `${key}_file`]))
  const host = file.entries.get('host')?.value
  if (typeof host === 'string' && !isLoopback(host)) production.add('host')
  const left = [...file.entries.keys()].filter((key) => production.has(key))
  const warning = `${file.path}: ${left.join(', ')}: ignored, as mintage dev takes no production setting.`
  return { kept: withoutKeys(file, production), warnings: left.length > 0 ? [warning] : [] }
}

function describe(ready: DevAccounts & { readonly issuer: string; readonly data: string }): string {
  return `Mintage for development, on loopback only. Its data lies in ${ready.data}.

  issuer         ${ready.issuer}
  client         ${ready.client_id}  ${ready.client_secret}
  public client  ${ready.public_client_id}
  user           ${ready.username}  ${ready.password}
  audience       ${ready.audience}
  scope          ${ready.scope}

A token pair:

  curl -s '${ready.issuer}/oauth2/token' -u ${ready.client_id}:${ready.client_secret} -d grant_type=password -d username=${ready.username} -d password=${ready.password}

`
}
