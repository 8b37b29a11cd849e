import type { Command } from 'commander'
import type { TokenReport } from '../../admin/token-inspection.ts'
import { administer } from '../administer.ts'
import { readSecretFromStdin, textOption } from '../options.ts'
import {
  cell,
  examples,
  formatTime,
  type Json,
  type Printable,
  print,
  ReportedError,
  say,
} from '../output.ts'

interface InspectOptions extends Json {
  readonly issuer?: string
  readonly audience?: string
}

export function addTokenCommands(program: Command): void {
  const token = program
    .command('token')
    .description('look into tokens')
    .addHelpText('before', examples('mintage token inspect < token.txt', 'mintage token inspect --help'))

  token
    .command('inspect')
    .description('decode a token, verify it, and say each thing that is wrong; exit 1 when it is not good')
    .argument('[token]', 'an access or refresh token; read from stdin where it is left out')
    .option('--issuer <url>', 'hold an access token against the keys that this issuer publishes', textOption)
    .option('--audience <audience>', 'what it has to be meant for', textOption)
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples(
        'mintage token inspect < token.txt',
        'pbpaste | mintage token inspect --audience https://api.example --json',
        'mintage token inspect --issuer https://issuer.example < token.txt',
      ),
    )
    .action(async (argument: string | undefined, options: InspectOptions, command: Command) => {
      if (argument === undefined && process.stdin.isTTY) {
        command.error('error: pipe the token in, or say it as the argument', { exitCode: 2 })
      }
      const text = (argument ?? (await readSecretFromStdin('token'))).trim().replace(/^Bearer +/i, '')
      const { issuer, audience } = options
      const { inspectForeignToken } = await import('../../admin/foreign-token.ts')
      const report =
        issuer === undefined
          ? await administer(({ tokens }) => tokens.inspect(text, audience))
          : await inspectForeignToken(text, { issuer, audience })
      show(report, options.json === true)
      if (!report.good) throw new ReportedError('The token is not good.')
    })
}

function show(report: TokenReport, json: boolean): void {
  const { session, ...rest } = report
  if (json) {
    print({ ...rest, ...(session && { session: describeSession(session) }) }, true)
    return
  }
  const words = { access_token: 'an access token', refresh_token: 'a refresh token', unknown: 'no token' }
  print({
    token: words[report.kind],
    good: report.good ? 'yes' : 'no',
    ...(session && describeSession(session)),
    ...prefix('header', report.header),
    ...prefix('claims', report.claims),
    ...prefix('time', report.claims && times(report.claims)),
  })
  for (const problem of report.problems) say(`mintage: ${cell(problem)}`)
  for (const note of report.notes) say(`mintage: note: ${cell(note)}`)
}

function describeSession(session: NonNullable<TokenReport['session']>): Printable {
  const { createdAt, expiresAt, ...rest } = session
  return { ...rest, created_at: formatTime(createdAt), expires_at: formatTime(expiresAt) }
}

function prefix(name: string, members: Printable | undefined): Printable {
  return Object.fromEntries(
    Object.entries(members ?? {}).map(([key, value]) => [`${name}.${cell(key)}`, value]),
  )
}

/** The dates of the claims as people read them. */
function times(claims: Printable): Printable {
  return Object.fromEntries(
    ['iat', 'nbf', 'exp'].flatMap((name) => {
      const value = claims[name]
      const isTime = typeof value === 'number' && Math.abs(value) < 8.64e12
      return isTime ? [[name, formatTime(value * 1_000)]] : []
    }),
  )
}
