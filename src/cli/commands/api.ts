import { type Command, Option } from 'commander'
import type { ApiAdmin, ApiSettings } from '../../admin/api-admin.ts'
import { type ClaimsPreset, claimsPresets, type TokenTyp, tokenTypes } from '../../protocol/claims.ts'
import { administer } from '../administer.ts'
import { given, type OwnDuration, ownDurationOption, scopeOption, toOwnLife } from '../options.ts'
import { examples, formatLife, formatTime, type Json, type Printable, print } from '../output.ts'
import { chosenFrom } from '../suggestion.ts'

interface SettingOptions {
  readonly scope?: readonly string[]
  readonly accessTokenTtl?: OwnDuration
  readonly typ?: TokenTyp
  readonly claimsPreset?: ClaimsPreset
  readonly introspectionClient?: string | false
}

export function addApiCommands(program: Command): void {
  const api = program
    .command('api')
    .description('register and change APIs (resource servers)')
    .addHelpText(
      'before',
      examples('mintage api create https://api.example --scope "orders:read"', 'mintage api list --json'),
    )

  settingOptions(api.command('create').description('register an API by its audience'))
    .argument('<audience>', 'what stands in aud, best the URL of the API')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples('mintage api create https://api.example --scope "orders:read orders:write"'),
    )
    .action(async (audience: string, options: SettingOptions & Json) => {
      const created = await administer(({ apis }) => apis.create(audience, toSettings(options)), {
        mayCreate: true,
      })
      print(describe(created), options.json)
    })

  api
    .command('list')
    .description('list all APIs')
    .addHelpText('before', examples('mintage api list', 'mintage api list --json'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      print((await administer(({ apis }) => apis.list())).map(describe), json)
    })

  api
    .command('get')
    .description('show one API')
    .addHelpText('before', examples('mintage api get https://api.example'))
    .argument('<audience>')
    .option('--json', 'print JSON')
    .action(async (audience: string, { json }: Json) => {
      print(describe(await administer(({ apis }) => apis.get(audience))), json)
    })

  settingOptions(api.command('update').description('change an API; what is not said stays'))
    .addHelpText('before', examples('mintage api update https://api.example --access-token-ttl 5m'))
    .addOption(new Option('--no-introspection-client', 'no client any more').default(undefined))
    .argument('<audience>')
    .option('--json', 'print JSON')
    .action(async (audience: string, options: SettingOptions & Json) => {
      const updated = await administer(({ apis }) => apis.update(audience, toSettings(options)))
      print(describe(updated), options.json)
    })

  api
    .command('delete')
    .addHelpText('before', examples('mintage api delete https://api.example'))
    .description('delete an API; sessions for it can no longer be refreshed')
    .argument('<audience>')
    .option('--json', 'print JSON')
    .action(async (audience: string, { json }: Json) => {
      await administer(({ apis }) => apis.delete(audience))
      print({ audience, deleted: true }, json)
    })
}

function settingOptions(command: Command): Command {
  return command
    .option('--scope <scopes>', 'the scopes it knows, separated by spaces', scopeOption)
    .option('--access-token-ttl <duration>', 'the life of access tokens for it', ownDurationOption)
    .addOption(chosenFrom(new Option('--typ <typ>', 'the typ header of its tokens'), tokenTypes))
    .addOption(chosenFrom(new Option('--claims-preset <preset>', 'the claims of its tokens'), claimsPresets))
    .option('--introspection-client <id>', 'the client that may introspect its tokens')
}

function toSettings(options: SettingOptions): ApiSettings {
  return given({
    scopes: options.scope,
    accessTokenTtl: toOwnLife(options.accessTokenTtl),
    typ: options.typ,
    claimsPreset: options.claimsPreset,
    introspectionClient: options.introspectionClient === false ? null : options.introspectionClient,
  })
}

function describe(api: Awaited<ReturnType<ApiAdmin['get']>>): Printable {
  return {
    audience: api.audience,
    scopes: api.scopes,
    access_token_ttl: formatLife(api.accessTokenTtl),
    typ: api.typ,
    claims_preset: api.claimsPreset,
    introspection_client: api.introspectionClient,
    created_at: formatTime(api.createdAt),
  }
}
