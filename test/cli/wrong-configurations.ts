import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CommandResult, runMintage } from '../support/child-issuer.ts'

/** A configuration that must not start. */
export interface WrongConfiguration {
  readonly title: string
  readonly environment?: Readonly<Record<string, string>>
  /** Files in the working directory, by their names. */
  readonly files?: Readonly<Record<string, string>>
  readonly options?: readonly string[]
  /** Nothing of these may be repeated. */
  readonly secrets?: readonly string[]
}

const issuer = { MINTAGE_ISSUER: 'https://issuer.example' }

export const wrongConfigurations: readonly WrongConfiguration[] = [
  { title: 'No issuer' },
  { title: 'An issuer over plain http', environment: { MINTAGE_ISSUER: 'http://issuer.example' } },
  {
    title: 'An issuer with a password in it',
    environment: { MINTAGE_ISSUER: 'https://admin:tulip-7@issuer.example' },
    secrets: ['tulip-7'],
  },
  { title: 'A typo in a variable', environment: { ...issuer, MINTAGE_ACESS_TOKEN_TTL: '15m' } },
  {
    title: 'A typo in a key of the file',
    files: { 'mintage.toml': '# production\nissuer = "https://issuer.example"\nacces_token_ttl = "5m"\n' },
  },
  {
    title: 'A setting in a table',
    environment: issuer,
    files: { 'mintage.toml': '[database]\nurl = "sqlite:/srv/mintage.db"\n' },
  },
  {
    title: 'A file that is no TOML',
    environment: issuer,
    files: { 'mintage.toml': 'port = 8080\ndatabase_url = postgres://mintage:tulip-7@db/mintage\n' },
    secrets: ['tulip-7'],
  },
  { title: 'A file that is not there', environment: issuer, options: ['--config', 'production.toml'] },
  {
    title: 'A value of another type',
    environment: issuer,
    files: { 'mintage.toml': 'port = 8080\nlog_level = true\n' },
  },
  { title: 'A port that there is not', environment: { ...issuer, MINTAGE_PORT: '80800' } },
  {
    title: 'A URL where a host is asked for',
    environment: { ...issuer, MINTAGE_HOST: 'http://0.0.0.0:8080' },
  },
  {
    title: 'A duration without a unit',
    environment: issuer,
    files: { 'mintage.toml': 'access_token_ttl = 900\n' },
  },
  { title: 'A duration past its bounds', environment: { ...issuer, MINTAGE_ACCESS_TOKEN_TTL: '7d' } },
  { title: 'A key that is too short', environment: { ...issuer, MINTAGE_KEY_BITS: '1024' } },
  {
    title: 'A database of another kind',
    environment: { ...issuer, MINTAGE_DATABASE_URL: 'mysql://mintage:tulip-7@db/mintage' },
    secrets: ['tulip-7'],
  },
  {
    title: 'A password that is not written for a URL',
    environment: { ...issuer, MINTAGE_DATABASE_URL: 'postgres://mintage:tulip#7@db/mintage' },
    secrets: ['tulip'],
  },
  {
    title: 'A path with two slashes',
    environment: { ...issuer, MINTAGE_DATABASE_URL: 'sqlite://./data/mintage.db' },
  },
  {
    title: 'PostgreSQL without a directory for the state',
    environment: { ...issuer, MINTAGE_DATABASE_URL: 'postgres://mintage:tulip-7@db/mintage' },
    secrets: ['tulip-7'],
  },
  {
    title: 'A secret that is not there',
    environment: { ...issuer, MINTAGE_DATABASE_URL_FILE: 'secrets/database' },
  },
  {
    title: 'A secret with something else in it',
    environment: { ...issuer, MINTAGE_DATABASE_URL_FILE: 'secrets/database' },
    files: { 'secrets/database': 'tulip-7\n' },
    secrets: ['tulip-7'],
  },
  {
    title: 'A value that is set twice',
    environment: { ...issuer, MINTAGE_PORT: '8080', MINTAGE_PORT_FILE: 'port' },
    files: { port: '9090\n' },
  },
  {
    title: 'A vault key that somebody typed',
    environment: { ...issuer, MINTAGE_VAULT_KEY: 'tulip-7'.repeat(7).slice(0, 43) },
    secrets: ['tulip-7'],
  },
  {
    title: 'A vault key of before, and none of now',
    environment: { ...issuer, MINTAGE_VAULT_KEY_PREVIOUS: 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8' },
    secrets: ['AAECAwQ'],
  },
  { title: 'Idling longer than living', environment: { ...issuer, MINTAGE_SESSION_TTL: '1d' } },
  {
    title: 'A retry window longer than a session may idle',
    environment: { ...issuer, MINTAGE_REFRESH_RETRY_WINDOW: '1h' },
    files: { 'mintage.toml': 'session_idle_ttl = "30m"\n' },
  },
  {
    title: 'An access token longer than a session',
    environment: { ...issuer, MINTAGE_ACCESS_TOKEN_TTL: '12h' },
    files: { 'mintage.toml': 'session_idle_ttl = "1h"\nsession_ttl = "8h"\n' },
  },
  {
    title: 'Both listeners on one port',
    environment: { ...issuer, MINTAGE_HOST: '0.0.0.0', MINTAGE_ADMIN_PORT: '8080' },
  },
  { title: 'Any origin', environment: { ...issuer, MINTAGE_CORS_ORIGINS: '*' } },
  {
    title: 'An origin with a path',
    environment: issuer,
    files: { 'mintage.toml': 'cors_origins = ["https://app.example", "https://other.example/"]\n' },
  },
  {
    title: 'A network that there is not',
    environment: { ...issuer, MINTAGE_TRUSTED_PROXIES: '10.0.0.0/8, 10.1/99' },
  },
  {
    title: 'Several at once',
    environment: { MINTAGE_PROT: '8080', MINTAGE_LOG_LEVEL: 'verbose' },
    files: { 'mintage.toml': 'bcrypt_cost = 2\n' },
  },
]

/** Runs `mintage config check` on the configuration, in a directory of its own. */
export async function checkConfiguration(wrong: WrongConfiguration): Promise<CommandResult> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-wrong-'))
  try {
    for (const [name, text] of Object.entries(wrong.files ?? {})) {
      mkdirSync(dirname(join(directory, name)), { recursive: true })
      writeFileSync(join(directory, name), text)
    }
    return await runMintage(['config', 'check', ...(wrong.options ?? [])], wrong.environment, '', directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** The configuration and what was said to it, as a transcript. */
export function transcribe(wrong: WrongConfiguration, result: CommandResult): string {
  const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ')
  const files = Object.entries(wrong.files ?? {}).map(([name, text]) => `$ cat ${name}\n${text.trimEnd()}\n`)
  const variables = Object.entries(wrong.environment ?? {}).map(([name, text]) => `${name}='${text}' `)
  const command = `$ ${variables.join('')}mintage config check${(wrong.options ?? []).map((option) => ` ${option}`).join('')}`
  return `## ${wrong.title}\n\n${indent(`${files.join('')}${command}\n${result.stderr}${result.stdout}`)}\n`
}

/** The whole page. */
export function renderPage(transcripts: readonly string[]): string {
  return `# Wrong configurations, and what is said to them

<!-- Made by \`npm run wrong-configs\`, which runs the executable; a test compares. -->

Each of these ends with exit code 1; \`mintage serve\` and every other command say the same.

${transcripts.join('\n')}`
}
