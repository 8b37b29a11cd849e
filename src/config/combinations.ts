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
 */
export function judgeCombinations(
  values: Settings,
  origin: (variable: Variable) => string | undefined,
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
  const { MINTAGE_PORT: port, MINTAGE_ADMIN_PORT: adminPort } = values
  if (port !== 0 && port === adminPort && isSameHost(values.MINTAGE_HOST, values.MINTAGE_ADMIN_HOST)) {
    problems.push(
      `${name('MINTAGE_ADMIN_PORT', String(adminPort))} is the same as ${name('MINTAGE_PORT', String(port))}: the admin listener needs a port of its own, or off.`,
    )
  }
  const notice = grace({ longestMaxAge: values.MINTAGE_JWKS_MAX_AGE, longestTokenLife: 0, longestIdle: 0 })
  if (notice > values.MINTAGE_KEY_ROTATION) {
    warnings.push(
      `${life('MINTAGE_KEY_ROTATION')} is shorter than a key must be published before it signs (${formatDuration(notice)} with ${life('MINTAGE_JWKS_MAX_AGE')}): keys rotate no faster than that.`,
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
