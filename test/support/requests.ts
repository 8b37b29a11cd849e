import { password, type TestIssuer } from './in-process-issuer.ts'
import { basic, type Form, type OAuthAnswer, post, type TokenPair, toPair } from './oauth.ts'

type Headers = Readonly<Record<string, string>>
type Fields = Readonly<Record<string, string>>

/** Where a request goes; the issuer's `service` client unless headers say otherwise. */
export type Endpoint = 'token' | 'introspect' | 'revoke'

export function ask(
  issuer: Pick<TestIssuer, 'url' | 'service'>,
  endpoint: Endpoint,
  form: Form,
  headers: Headers = basic(issuer.service),
): Promise<OAuthAnswer> {
  return post(`${issuer.url}/oauth2/${endpoint}`, form, headers)
}

/** Logs `ada` in; `extra` adds to the form or overrides it. */
export async function login(
  issuer: Pick<TestIssuer, 'url' | 'service'>,
  extra: Fields = {},
  headers?: Headers,
): Promise<TokenPair> {
  const form = { grant_type: 'password', username: 'ada', password, ...extra }
  return toPair(await ask(issuer, 'token', form, headers))
}

export function refresh(
  issuer: Pick<TestIssuer, 'url' | 'service'>,
  refreshToken: string,
  extra: Fields = {},
  headers: Headers = {},
): Promise<OAuthAnswer> {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, ...extra }
  return ask(issuer, 'token', form, { ...basic(issuer.service), ...headers })
}

/** A token of `service` itself. */
export async function clientToken(
  issuer: Pick<TestIssuer, 'url' | 'service'>,
  extra: Fields = {},
  headers?: Headers,
): Promise<string> {
  const answer = await ask(issuer, 'token', { grant_type: 'client_credentials', ...extra }, headers)
  if (typeof answer.body['access_token'] !== 'string') throw new Error(`No token, but ${answer.text}`)
  return answer.body['access_token']
}

export async function isActive(
  issuer: Pick<TestIssuer, 'url' | 'service'>,
  token: string,
  headers?: Headers,
): Promise<unknown> {
  return (await ask(issuer, 'introspect', { token }, headers)).body['active']
}

/** Asks until `done` says yes, for what another process does; fails after ten seconds. */
export async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`It did not happen within ten seconds: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** The types of the audit rows, oldest first. */
export async function auditTypes(issuer: Pick<TestIssuer, 'store'>): Promise<readonly string[]> {
  return (await issuer.store.audit.tail(1_000)).map(({ event }) => event.type)
}

/** Every session that administration lists, newest first. */
export async function listSessions(issuer: Pick<TestIssuer, 'administration'>) {
  const listed = []
  for await (const session of issuer.administration.sessions.list({})) listed.push(session)
  return listed
}
