import { type Command, Option } from 'commander'
import type { Administration } from '../../admin/administration.ts'
import type { KeyAdmin } from '../../admin/key-admin.ts'
import { administer } from '../administer.ts'
import { examples, formatTime, type Json, type Printable, print, warn } from '../output.ts'

interface RevokeOptions extends Json {
  readonly all?: boolean
  readonly lostVaultKey?: boolean
}

interface ExportOptions extends Json {
  readonly pem?: boolean
  readonly jwk?: boolean
  readonly private?: boolean
}

export function addKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('look at the signing keys and turn the ring')
    .addHelpText('before', examples('mintage keys list', 'mintage keys rotate'))

  keys
    .command('list')
    .description('list the published keys: next, current, retired')
    .addHelpText('before', examples('mintage keys list', 'mintage keys list --all --json'))
    .option('--all', 'the withdrawn ones too')
    .option('--json', 'print JSON')
    .action(async ({ all, json }: Json & { readonly all?: boolean }) => {
      print(
        (await administer((administration) => administration.keys.list(all === true))).map(describe),
        json,
      )
    })

  keys
    .command('rotate')
    .description('let the next key sign now, when every cache can know it')
    .addHelpText('before', examples('mintage keys rotate'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      print({ current: await administer((administration) => administration.keys.rotate()) }, json)
    })

  keys
    .command('rotate-mac')
    .description('make a new key for refresh tokens; those under the old one go on working')
    .addHelpText('before', examples('mintage keys rotate-mac'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      print({ mac_key: await administer((administration) => administration.keys.rotateMac()) }, json)
    })

  keys
    .command('revoke')
    .description('an emergency: withdraw a leaked key at once, or all of them')
    .argument('[kid]', 'the key')
    .option('--all', 'every signing and MAC key; ends all sessions')
    .option('--lost-vault-key', 'with --all: give up what lies under a vault key that nobody has any more')
    .option('--json', 'print JSON')
    .addHelpText('before', examples('mintage keys revoke KID', 'mintage keys revoke --all'))
    .action(async (kid: string | undefined, { all, lostVaultKey, json }: RevokeOptions, command: Command) => {
      if ((kid !== undefined) === (all === true)) {
        command.error('error: say one of: the kid of a key, --all', { exitCode: 2 })
      }
      if (lostVaultKey === true && all !== true) {
        command.error('error: --lost-vault-key goes with --all only', { exitCode: 2 })
      }
      await administer(async (administration) => {
        const lost = lostVaultKey === true ? await administration.vault.giveUpLost() : 0
        if (kid === undefined) await administration.keys.revokeAll(lost)
        else await administration.keys.revoke(kid)
      })
      print({ revoked: kid ?? 'all' }, json)
    })

  keys
    .command('reseal')
    .description('seal the keys in the database under MINTAGE_VAULT_KEY, once every node knows it')
    .addHelpText('before', examples('mintage keys reseal'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      print({ resealed: await administer((administration) => administration.vault.reseal()) }, json)
    })

  keys
    .command('move')
    .description('move the private keys into the database, sealed, or out of it into MINTAGE_KEYS_DIR')
    .addHelpText('before', examples('mintage keys move --to database', 'mintage keys move --to directory'))
    .addOption(
      new Option('--to <vault>', 'where they are to lie')
        .choices(['database', 'directory'])
        .makeOptionMandatory(),
    )
    .option('--json', 'print JSON')
    .action(async ({ to, json }: Json & { readonly to: 'database' | 'directory' }) => {
      const use = (administration: Administration) => administration.vault.move(to)
      const { moved, left } = await administer(use, { anyVault: true })
      print({ moved, to }, json)
      for (const path of left) {
        warn(
          `${path} was left as it is, since it could not be deleted or is no key of the database: delete it by hand.`,
        )
      }
    })

  keys
    .command('export')
    .description('print one key (default: the current one), public unless --private is said')
    .addHelpText(
      'before',
      examples('mintage keys export --pem > public.pem', 'mintage keys export KID --jwk'),
    )
    .argument('[kid]', 'the key')
    .option('--pem', 'as PEM: SPKI, or PKCS #8 with --private (default)')
    .option('--jwk', 'as a JWK')
    .option('--private', 'the private key: whoever has it can make tokens')
    .option('--json', 'print JSON')
    .action(async (kid: string | undefined, options: ExportOptions, command: Command) => {
      if (options.pem === true && options.jwk === true) {
        command.error('error: say one of: --pem, --jwk', { exitCode: 2 })
      }
      const format = options.jwk === true ? 'jwk' : 'pem'
      const text = await administer((administration) =>
        administration.keys.export(kid, format, options.private === true),
      )
      if (options.json === true) print(format === 'jwk' ? JSON.parse(text) : { pem: text }, true)
      else process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    })
}

function describe(key: Awaited<ReturnType<KeyAdmin['list']>>[number]): Printable {
  return {
    kid: key.kid,
    state: key.state,
    bits: key.bits,
    created_at: formatTime(key.createdAt),
    published_at: formatTime(key.publishedAt),
    activated_at: formatTime(key.activatedAt),
    retired_at: formatTime(key.retiredAt),
    removable_at: formatTime(key.removableAt),
    withdrawn_at: formatTime(key.withdrawnAt),
  }
}
