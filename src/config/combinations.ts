import { grace } from '../keys/schedule.ts'
import { formatDuration } from '../lib/durations.ts'
import { isLoopback } from './kinds.ts'
import type { Settings, Variable } from './settings.ts'

/** What does not go together, though each value by itself is good. */
export interface Combinations {
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Looks for unsafe combinations.
 * @param origin where the value of a setting came from, in words; undefined where it is the default.
 * @param now in milliseconds since the epoch.
 */
export function judgeCombinations(
  values: Settings,
  origin: (variable: Variable) => string | undefined,
  now: number,
): Combinations {
  const problems: string[] = []
  const warnings: string[] = []
  const name = (variable: Variable, value: string) =>
    `${variable} (${value}, ${origin(variable) ?? 'default'})`
  const life = (variable: Lives) => name(variable, formatDuration(values[variable]))

  if (values.MINTAGE_SESSION_IDLE_TTL > values.MINTAGE_SESSION_TTL) {
    problems.push(
      `${life('MINTAGE_SESSION_IDLE_TTL')} is longer than ${life('MINTAGE_SESSION_TTL')}: a session cannot idle past its life; lower the first or raise the second.`,
    )
  }
  if (values.MINTAGE_REFRESH_RETRY_WINDOW > values.MINTAGE_SESSION_IDLE_TTL) {
    problems.push(
      `${life('MINTAGE_REFRESH_RETRY_WINDOW')} is longer than ${life('MINTAGE_SESSION_IDLE_TTL')}: no retry is that late; lower the first or raise the second.`,
    )
  }
  // A short session cuts the tokens that it gives out; whoever asked for longer ones would not get them.
  if (
    origin('MINTAGE_ACCESS_TOKEN_TTL') !== undefined &&
    values.MINTAGE_ACCESS_TOKEN_TTL > values.MINTAGE_SESSION_TTL
  ) {
    problems.push(
      `${life('MINTAGE_ACCESS_TOKEN_TTL')} is longer than ${life('MINTAGE_SESSION_TTL')}: no token outlives its session; lower the first or raise the second.`,
    )
  }
  if (!values.MINTAGE_DATABASE_URL.startsWith('sqlite:') && values.MINTAGE_STATE_DIR === undefined) {
    problems.push(
      `MINTAGE_STATE_DIR is missing: on PostgreSQL (MINTAGE_DATABASE_URL, ${origin('MINTAGE_DATABASE_URL') ?? 'default'}) each node needs a directory of its own, which tells it when the database went back in time; expected the path of a directory.`,
    )
  }
  const { MINTAGE_VAULT_KEY: vaultKey, MINTAGE_VAULT_KEY_PREVIOUS: previousKey } = values
  if (previousKey !== undefined && vaultKey === undefined) {
    problems.push(
      'MINTAGE_VAULT_KEY is missing: MINTAGE_VAULT_KEY_PREVIOUS only opens what was sealed before; name the key that the keys are to be sealed under.',
    )
  }
  if (previousKey !== undefined && vaultKey?.equals(previousKey)) {
    problems.push(
      'MINTAGE_VAULT_KEY_PREVIOUS is the same as MINTAGE_VAULT_KEY: unset it, or name the key that the keys were sealed under before.',
    )
  }
  const { MINTAGE_PORT: port, MINTAGE_ADMIN_PORT: adminPort } = values
  if (port !== 0 && port === adminPort && isSameHost(values.MINTAGE_HOST, values.MINTAGE_ADMIN_HOST)) {
    const same = `${name('MINTAGE_ADMIN_PORT', String(adminPort))} is the same as ${name('MINTAGE_PORT', String(port))}: `
    // Whoever chose the one port asked for no second listener.
    if (origin('MINTAGE_ADMIN_PORT') === undefined) {
      warnings.push(`${same}there is no admin listener; give it a port of its own, or off.`)
    } else problems.push(`${same}the admin listener needs a port of its own, or off.`)
  }
  const notice = grace({ longestMaxAge: values.MINTAGE_JWKS_MAX_AGE, longestTokenLife: 0, longestIdle: 0 })
  if (notice > values.MINTAGE_KEY_ROTATION) {
    warnings.push(
      `${life('MINTAGE_KEY_ROTATION')} is shorter than a key must be published before it signs (${formatDuration(notice)} with ${life('MINTAGE_JWKS_MAX_AGE')}): keys rotate no faster than that.`,
    )
  }
  const { MINTAGE_DJANGO_KEY: key, MINTAGE_DJANGO_KEY_UNTIL: until } = values
  if (key !== undefined && until === undefined) {
    problems.push(
      'MINTAGE_DJANGO_KEY_UNTIL is missing: whoever has the key of MINTAGE_DJANGO_KEY can be any user until then; expected a time such as 2026-01-31T12:00:00Z, when the last of its refresh tokens has expired.',
    )
  }
  if (key === undefined && until !== undefined) {
    warnings.push('MINTAGE_DJANGO_KEY_UNTIL has no effect without MINTAGE_DJANGO_KEY.')
  }
  if (key !== undefined && until !== undefined && until <= now) {
    warnings.push(
      `MINTAGE_DJANGO_KEY_UNTIL (${new Date(until).toISOString()}, ${origin('MINTAGE_DJANGO_KEY_UNTIL')}) has passed: the key counts no more; remove both settings.`,
    )
  }
  if (key !== undefined && values.MINTAGE_SIMPLEJWT_CLIENT === undefined) {
    warnings.push(
      'MINTAGE_DJANGO_KEY has no effect without MINTAGE_SIMPLEJWT_CLIENT, whose endpoints take its tokens.',
    )
  }
  for (const origin of values.MINTAGE_CORS_ORIGINS) {
    const url = new URL(origin)
    if (url.protocol === 'https:' || isLoopback(url.hostname)) continue
    warnings.push(
      `MINTAGE_CORS_ORIGINS has ${origin}: whoever is on the way can change what plain http carries, and so can use its scripts; prefer https.`,
    )
  }
  for (const network of values.MINTAGE_TRUSTED_PROXIES) {
    if (!network.endsWith('/0')) continue
    warnings.push(
      `MINTAGE_TRUSTED_PROXIES has ${network}: everybody may then claim to be any address; name the networks of your proxies.`,
    )
  }
  return { problems, warnings }
}

type Lives = {
  [Name in Variable]: Settings[Name] extends number
    ? Name extends `${string}_${'TTL' | 'WINDOW' | 'ROTATION' | 'AGE'}`
      ? Name
      : never
    : never
}[Variable]

function isSameHost(one: string, other: string): boolean {
  const isEverywhere = (host: string) => host === '0.0.0.0' || host === '::'
  return one === other || isEverywhere(one) || isEverywhere(other) || (isLoopback(one) && isLoopback(other))
}
