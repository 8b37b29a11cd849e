import { type Command, Option } from 'commander'
import {
  type ClientSettings,
  type DrfJwtPackage,
  drfJwtPackages,
  type NewClient,
} from '../../admin/client-admin.ts'
import type { JsonObject } from '../../protocol/claims.ts'
import { type GrantType, grantTypes } from '../../protocol/grant-types.ts'
import { administer } from '../administer.ts'
import {
  claimsOption,
  durationOption,
  given,
  grantOption,
  listOption,
  type OwnDuration,
  ownDurationOption,
  scopeOption,
  switchOption,
  textOption,
  toOwnLife,
} from '../options.ts'
import { examples, formatLife, formatTime, type Json, type Printable, print, say } from '../output.ts'
import { chosenFrom } from '../suggestion.ts'

interface SettingOptions {
  readonly name?: string
  readonly grant?: readonly GrantType[]
  readonly scope?: readonly string[]
  readonly audience?: readonly string[]
  readonly claims?: JsonObject
  readonly accessTokenTtl?: OwnDuration
  readonly sessionIdleTtl?: OwnDuration
  readonly sessionTtl?: OwnDuration
  readonly retryWindow?: OwnDuration
  readonly slidingTokens?: boolean
  readonly rotateRefreshTokens?: boolean
  readonly blacklistAfterRotation?: boolean
  readonly usernameField?: string
  readonly drfJwtPackage?: DrfJwtPackage
  readonly authCookie?: string
  readonly answerData?: JsonObject
  readonly tokenData?: JsonObject
  readonly allScopes?: boolean
  readonly allAudiences?: boolean
}

interface CreateOptions extends SettingOptions, Json {
  readonly id: string
  readonly public?: boolean
}

export function addClientCommands(program: Command): void {
  const client = program
    .command('client')
    .description('register and change clients')
    .addHelpText(
      'before',
      examples('mintage client create --id reports --grant client_credentials', 'mintage client list --json'),
    )

  settingOptions(client.command('create').description('register a client and print its secret, once'))
    .requiredOption('--id <id>', 'its client_id')
    .option('--public', 'it cannot keep a secret, so it gets none')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples(
        'mintage client create --id reports --grant client_credentials --audience https://api.example',
        'mintage client create --id app --public --grant password --grant refresh_token',
      ),
    )
    .action(async (options: CreateOptions) => {
      const { client: created, secret } = await administer(
        ({ clients }) => clients.create(options.id, options.public === true, toSettings(options)),
        { mayCreate: true },
      )
      print({ ...describe(created), ...(secret !== undefined && { client_secret: secret }) }, options.json)
      if (secret !== undefined) say('Keep the secret now: it is not shown again.')
      if (!options.grant) say('Without --grant it gets no tokens; it may introspect those for its audiences.')
    })

  client
    .command('list')
    .description('list all clients')
    .addHelpText('before', examples('mintage client list', 'mintage client list --json'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const clients = await administer((administration) => administration.clients.list())
      print(clients.map(describe), json)
    })

  client
    .command('get')
    .description('show one client')
    .addHelpText('before', examples('mintage client get reports'))
    .argument('<id>', 'its client_id')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: Json) => {
      print(describe(await administer(({ clients }) => clients.get(id))), json)
    })

  settingOptions(client.command('update').description('change a client; what is not said stays'))
    .addOption(new Option('--all-scopes', 'all scopes of its audiences again').conflicts('scope'))
    .addOption(new Option('--all-audiences', 'every API again').conflicts('audience'))
    .argument('<id>', 'its client_id')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples('mintage client update reports --scope "orders:read" --access-token-ttl 5m'),
    )
    .action(async (id: string, options: SettingOptions & Json) => {
      const updated = await administer(({ clients }) => clients.update(id, toSettings(options)))
      print(describe(updated), options.json)
    })

  for (const verb of ['disable', 'enable'] as const) {
    client
      .command(verb)
      .addHelpText('before', examples(`mintage client ${verb} reports`))
      .description(
        verb === 'disable' ? 'refuse the client and end its sessions' : 'let a disabled client in again',
      )
      .argument('<id>', 'its client_id')
      .option('--json', 'print JSON')
      .action(async (id: string, { json }: Json) => {
        print(describe(await administer(({ clients }) => clients[verb](id))), json)
      })
  }

  client
    .command('rotate-secret')
    .addHelpText('before', examples('mintage client rotate-secret reports --overlap 1h'))
    .description('make a new secret; the old one works on for a while')
    .argument('<id>', 'its client_id')
    .option(
      '--overlap <duration>',
      'how long the old secret works on (default: 24h; 0s ends it now)',
      durationOption,
    )
    .option('--json', 'print JSON')
    .action(async (id: string, { overlap, json }: Json & { readonly overlap?: number }) => {
      const secret = await administer(({ clients }) => clients.rotateSecret(id, overlap))
      print({ client_id: id, client_secret: secret }, json)
      say('Keep the secret now: it is not shown again.')
    })

  client
    .command('delete')
    .addHelpText('before', examples('mintage client delete reports'))
    .description('delete a client and end its sessions')
    .argument('<id>', 'its client_id')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: Json) => {
      await administer(({ clients }) => clients.delete(id))
      print({ client_id: id, deleted: true }, json)
    })
}

function settingOptions(command: Command): Command {
  return command
    .option('--name <name>', 'a name for people')
    .addOption(
      new Option('--grant <type...>', 'the grant types it may use')
        .choices(grantTypes)
        .argParser(grantOption),
    )
    .option('--scope <scopes>', 'the scopes it may have (default: all of its audiences)', scopeOption)
    .option('--audience <audience...>', 'the APIs it may have tokens for (default: all)', listOption)
    .option('--claims <json>', 'claims that its tokens carry', claimsOption)
    .option(
      '--access-token-ttl <duration>',
      "the life of its access tokens (default: the installation's)",
      ownDurationOption,
    )
    .option('--session-idle-ttl <duration>', 'how long its sessions may idle', ownDurationOption)
    .option('--session-ttl <duration>', 'how long its sessions last at most', ownDurationOption)
    .option(
      '--retry-window <duration>',
      'how long a lost refresh may be retried (0s: by key only)',
      ownDurationOption,
    )
    .option('--sliding-tokens <on|off>', "SimpleJWT's sliding tokens, in place of a pair", switchOption)
    .option('--rotate-refresh-tokens <on|off>', "as SimpleJWT's setting (default: on)", switchOption)
    .option('--blacklist-after-rotation <on|off>', "as SimpleJWT's setting (default: on)", switchOption)
    .option(
      '--username-field <name>',
      "the user name's field in Django's logins (default: username)",
      textOption,
    )
    .addOption(
      chosenFrom(
        new Option('--drf-jwt-package <name>', `whose answers it expects (default: ${drfJwtPackages[0]})`),
        drfJwtPackages,
      ),
    )
    .option('--auth-cookie <name>', "as djangorestframework-jwt's JWT_AUTH_COOKIE", textOption)
    .option(
      '--answer-data <json>',
      'what of the user joins the answer, such as {"user":{"name":"$username"}}',
      claimsOption,
    )
    .option(
      '--token-data <json>',
      'what of the user joins the access token, such as {"email":"$email"}',
      claimsOption,
    )
}

function toSettings(options: SettingOptions): ClientSettings {
  const django = given({
    slidingTokens: options.slidingTokens,
    rotateRefreshTokens: options.rotateRefreshTokens,
    blacklistAfterRotation: options.blacklistAfterRotation,
    usernameField: options.usernameField,
    drfJwtPackage: options.drfJwtPackage,
    authCookie: options.authCookie,
  })
  const userData = given({ answer: options.answerData, token: options.tokenData })
  return given({
    name: options.name,
    grants: options.grant,
    scopes: options.allScopes === true ? null : options.scope,
    audiences: options.allAudiences === true ? null : options.audience,
    claims: options.claims,
    accessTokenTtl: toOwnLife(options.accessTokenTtl),
    sessionIdleTtl: toOwnLife(options.sessionIdleTtl),
    sessionTtl: toOwnLife(options.sessionTtl),
    retryWindow: toOwnLife(options.retryWindow),
    django: Object.keys(django).length > 0 ? django : undefined,
    userData: Object.keys(userData).length > 0 ? userData : undefined,
  })
}

function describe(client: NewClient['client']): Printable {
  return {
    client_id: client.clientId,
    name: client.name,
    public: client.public,
    grants: client.grants,
    scopes: client.scopes,
    audiences: client.audiences,
    claims: client.claims,
    access_token_ttl: formatLife(client.accessTokenTtl),
    session_idle_ttl: formatLife(client.sessionIdleTtl),
    session_ttl: formatLife(client.sessionTtl),
    retry_window: formatLife(client.retryWindow),
    django: describeDjango(client.django),
    answer_data: client.userData?.answer ?? {},
    token_data: client.userData?.token ?? {},
    disabled: client.disabledAt !== null,
    created_at: formatTime(client.createdAt),
  }
}

function describeDjango(settings: NewClient['client']['django']): Printable | null {
  if (settings === null) return null
  return given({
    sliding_tokens: settings.slidingTokens,
    rotate_refresh_tokens: settings.rotateRefreshTokens,
    blacklist_after_rotation: settings.blacklistAfterRotation,
    username_field: settings.usernameField,
    drf_jwt_package: settings.drfJwtPackage,
    auth_cookie: settings.authCookie,
  })
}
