import { type Command, InvalidArgumentError } from 'commander'
import ipaddr from 'ipaddr.js'
import type { ListedThrottle, ThrottleSelection } from '../../admin/throttle-admin.ts'
import { administer } from '../administer.ts'
import { textOption } from '../options.ts'
import { examples, formatTime, type Json, type Printable, print } from '../output.ts'

interface SelectionOptions extends Json {
  readonly user?: string
  readonly client?: string
  readonly network?: string
  readonly all?: boolean
}

export function addThrottleCommands(program: Command): void {
  const throttle = program
    .command('throttle')
    .description('see who is slowed down for guessing, and forget it')
    .addHelpText('before', examples('mintage throttle list', 'mintage throttle clear --user ada'))

  throttle
    .command('list')
    .description('list the names and networks that are refused now, those that are so longest first')
    .addHelpText('before', examples('mintage throttle list', 'mintage throttle list --user ada --json'))
    .option('--user <user>', 'only those about this user name, e-mail or id', textOption)
    .option('--client <id>', 'only those about this client', textOption)
    .option('--network <cidr>', 'only those about this network or address', networkOption)
    .option('--json', 'print JSON')
    .action(async ({ json, ...options }: SelectionOptions, command: Command) => {
      const which = select(options, command, 'all')
      print((await administer(({ throttles }) => throttles.list(which))).map(describe), json)
    })

  throttle
    .command('clear')
    .description('forget the failures about a user or a client, from a network, or all; within a second')
    .addHelpText(
      'before',
      examples('mintage throttle clear --user ada', 'mintage throttle clear --network 203.0.113.0/24'),
    )
    .option('--user <user>', 'those about this user name, e-mail or id', textOption)
    .option('--client <id>', 'those about this client', textOption)
    .option('--network <cidr>', 'those from this network or address', networkOption)
    .option('--all', 'every one')
    .option('--json', 'print JSON')
    .action(async ({ json, ...options }: SelectionOptions, command: Command) => {
      const which = select(options, command)
      print({ cleared: await administer(({ throttles }) => throttles.clear(which)) }, json)
    })
}

/** @param otherwise what is meant where nothing is said; without it something has to be. */
function select(
  { user, client, network, all }: SelectionOptions,
  command: Command,
  otherwise?: 'all',
): ThrottleSelection {
  const said: readonly ThrottleSelection[] = [
    ...(user === undefined ? [] : [{ user }]),
    ...(client === undefined ? [] : [{ client }]),
    ...(network === undefined ? [] : [{ network }]),
    ...(all === true ? (['all'] as const) : []),
  ]
  const [first = otherwise] = said
  if (first !== undefined && said.length < 2) return first
  const choices = ['--user USER', '--client ID', '--network CIDR', ...(otherwise ? [] : ['--all'])]
  command.error(`error: say one of: ${choices.join(', ')}`, { exitCode: 2 })
}

function networkOption(text: string): string {
  if (ipaddr.isValid(text) || ipaddr.isValidCIDR(text)) return text
  throw new InvalidArgumentError('Expected an address or a network, such as 203.0.113.0/24.')
}

function describe({ kind, by, name, network, since, until }: ListedThrottle): Printable {
  return {
    kind,
    by,
    name: name ?? null,
    network: network ?? null,
    since: formatTime(since),
    until: formatTime(until),
  }
}
