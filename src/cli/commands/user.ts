import { type Command, Option } from 'commander'
import type { UserAdmin } from '../../admin/user-admin.ts'
import type { JsonObject } from '../../protocol/claims.ts'
import { administer } from '../administer.ts'
import { claimsOption, given, readSecretFromStdin } from '../options.ts'
import { examples, type Json, type Printable, print, printEach } from '../output.ts'
import { describeUser, type User } from '../user-description.ts'
import { addUserTransferCommands } from './user-transfer.ts'

interface CreateOptions extends Json {
  readonly email?: string
  readonly claims?: JsonObject
  readonly passwordStdin?: boolean
}

interface UpdateOptions extends Json {
  readonly email?: string | false
  readonly claims?: JsonObject
}

export function addUserCommands(program: Command): void {
  const user = program
    .command('user')
    .description('register and change users')
    .addHelpText(
      'before',
      examples('mintage user create ada --password-stdin < password.txt', 'mintage user list --json'),
    )

  user
    .command('create')
    .description('register a user')
    .argument('<username>')
    .option('--email <email>', 'an e-mail address')
    .option('--claims <json>', 'claims that tokens for the user carry', claimsOption)
    .option('--password-stdin', 'read the password from stdin; without it the user cannot log in yet')
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples('mintage user create ada --email ada@example.org --password-stdin < password.txt'),
    )
    .action(async (username: string, { email, claims, passwordStdin, json }: CreateOptions) => {
      const password = passwordStdin === true ? await readSecretFromStdin() : undefined
      const created = await administer(
        ({ users }) => users.create(username, given({ email, claims, password })),
        { mayCreate: true },
      )
      print(describe(created), json)
    })

  user
    .command('list')
    .description('list all users')
    .addHelpText('before', examples('mintage user list', 'mintage user list --json'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      await administer(({ users }) => printEach(describeEach(users.list()), json))
    })

  user
    .command('get')
    .description('show one user')
    .addHelpText('before', examples('mintage user get ada', 'mintage user get ada@example.org --json'))
    .argument('<user>', 'user name, e-mail or id')
    .option('--json', 'print JSON')
    .action(async (name: string, { json }: Json) => {
      print(describe(await administer(({ users }) => users.get(name))), json)
    })

  user
    .command('update')
    .description('change a user; what is not said stays')
    .addHelpText('before', examples('mintage user update ada --email ada@example.org'))
    .argument('<user>', 'user name, e-mail or id')
    .option('--email <email>', 'an e-mail address')
    .addOption(new Option('--no-email', 'no e-mail address any more').default(undefined))
    .option(
      '--claims <json>',
      'claims that tokens for the user carry, in place of those before',
      claimsOption,
    )
    .option('--json', 'print JSON')
    .action(async (name: string, { email, claims, json }: UpdateOptions, command: Command) => {
      if (email === undefined && claims === undefined) {
        command.error('error: say what to change: --email, --no-email, --claims', { exitCode: 2 })
      }
      const changes = given({ email: email === false ? null : email, claims })
      print(describe(await administer(({ users }) => users.update(name, changes))), json)
    })

  user
    .command('set-password')
    .description('set a password, read from stdin, and end the sessions of the user')
    .argument('<user>', 'user name, e-mail or id')
    .option('--password-stdin', 'read it from stdin (the only way there is)')
    .option('--json', 'print JSON')
    .addHelpText('before', examples('mintage user set-password ada < password.txt'))
    .action(async (name: string, { json }: Json) => {
      const password = await readSecretFromStdin()
      await administer(({ users }) => users.setPassword(name, password))
      print({ user: name, password: 'set' }, json)
    })

  for (const verb of ['disable', 'enable'] as const) {
    user
      .command(verb)
      .addHelpText('before', examples(`mintage user ${verb} ada`))
      .description(
        verb === 'disable' ? 'refuse the user and end all sessions' : 'let a disabled user in again',
      )
      .argument('<user>', 'user name, e-mail or id')
      .option('--json', 'print JSON')
      .action(async (name: string, { json }: Json) => {
        print(describe(await administer(({ users }) => users[verb](name))), json)
      })
  }

  user
    .command('delete')
    .addHelpText('before', examples('mintage user delete ada'))
    .description('delete a user and end all sessions')
    .argument('<user>', 'user name, e-mail or id')
    .option('--json', 'print JSON')
    .action(async (name: string, { json }: Json) => {
      await administer(({ users }) => users.delete(name))
      print({ user: name, deleted: true }, json)
    })

  addUserTransferCommands(user)
}

async function* describeEach(users: ReturnType<UserAdmin['list']>): AsyncGenerator<Printable> {
  for await (const user of users) yield describe(user)
}

function describe(user: User): Printable {
  const { id, username, email, claims, ...rest } = describeUser(user)
  return { id, username, email, claims, has_password: user.password !== null, ...rest }
}
