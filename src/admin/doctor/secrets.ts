import { statSync } from 'node:fs'
import { type Finding, ok, warning } from './finding.ts'

/** A file that holds a secret, and the setting that named it. */
export interface SecretFile {
  readonly setting: string
  readonly path: string
}

/** Passwords that nobody chose. */
const placeholder =
  /^(?:|change-?me|secret|password|passw0rd|postgres|mintage|admin|root|test|example|default|123456?7?8?9?0?)$/i

/** Shorter ones can be guessed by trying. */
const shortestPassword = 12

/** Looks whether others can read the files that hold secrets, and whether the database's password is one. */
export function examineSecrets(files: readonly SecretFile[], databaseUrl: string): readonly Finding[] {
  const findings = files.flatMap(({ setting, path }) => {
    const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777
    if ((mode & 0o007) === 0) return []
    const shown = mode.toString(8).padStart(4, '0')
    return [
      warning(
        'secrets',
        `${path}, which holds ${setting}, has mode ${shown}, so that everybody on this machine can read it: run chmod 600 ${path}.`,
      ),
    ]
  })
  const weakness = judgePassword(databaseUrl)
  if (weakness !== undefined) findings.push(warning('secrets', weakness))
  return findings.length > 0 ? findings : [ok('secrets', 'No secret is a placeholder or lies open.')]
}

function judgePassword(databaseUrl: string): string | undefined {
  if (databaseUrl.startsWith('sqlite:') || !URL.canParse(databaseUrl)) return undefined
  const { password: encoded, username } = new URL(databaseUrl)
  const password = decode(encoded)
  // Without one the server trusts the address or a certificate, which is its own affair.
  if (password === '') return undefined
  if (placeholder.test(password) || password === decode(username)) {
    return 'The password in MINTAGE_DATABASE_URL is one that everybody tries first: give the database user a random one.'
  }
  return password.length < shortestPassword
    ? `The password in MINTAGE_DATABASE_URL has fewer than ${shortestPassword} characters: give the database user a random one.`
    : undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
