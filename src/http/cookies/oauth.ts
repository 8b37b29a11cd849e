import type { Context } from 'koa'
import type { ClientRecord } from '../../clients/client-directory.ts'
import { InvalidGrantError, InvalidRequestError } from '../../protocol/errors.ts'
import type { TokenResponse } from '../../tokens/authorization.ts'
import { AmbiguousTokenError } from './errors.ts'
import { leavesSession } from './refusals.ts'
import type { RequestCookies, TokenCookies } from './token-cookies.ts'

/** The cookies of a request to an OAuth endpoint; see {@link TokenCookies.open}. */
export function openOAuthCookies(
  cookies: TokenCookies,
  client: ClientRecord,
  context: Context,
): RequestCookies | undefined {
  return cookies.open(client, context, '/oauth2')
}

/**
 * A token request of a browser: its refresh token comes from a cookie, and what is issued goes into cookies. The answer
 * is that of RFC 6749 §5.1 without the tokens.
 */
export async function issueInCookies(
  kept: RequestCookies,
  parameters: ReadonlyMap<string, string>,
  issue: (parameters: ReadonlyMap<string, string>) => Promise<TokenResponse>,
): Promise<Omit<TokenResponse, 'access_token' | 'refresh_token'>> {
  const { access_token, refresh_token, ...told } = await issue(complete(parameters, kept)).catch((error) => {
    // What the browser keeps is of no use any more.
    if (error instanceof InvalidGrantError && isRefresh(parameters) && !leavesSession(error)) kept.clear()
    throw error
  })
  if (refresh_token !== undefined) {
    kept.set('refresh', { token: refresh_token, life: told.refresh_token_expires_in ?? 0 })
  }
  // Last: if it makes too large a cookie, the browser keeps its session.
  kept.set('access', { token: access_token, life: told.expires_in })
  return told
}

/** How the tokens of a browser end. */
export interface BrowserRevocation {
  revoke(token: string): Promise<void>
  /** Ends the session of an access token, for its refresh token may stand below another path. */
  logOut(accessToken: string): Promise<void>
}

/**
 * Logs a browser out: by its refresh token, else by its access token, else there is nothing to take back; and ends what
 * it keeps.
 * @throws {InvalidRequestError} when the request has a token that is neither.
 */
export async function revokeInCookies(
  kept: RequestCookies,
  told: string | undefined,
  { revoke, logOut }: BrowserRevocation,
): Promise<void> {
  const known = [kept.get('refresh'), kept.get('access')].filter((token) => token !== undefined)
  if (told !== undefined && known.length > 0 && !known.includes(told)) {
    throw new AmbiguousTokenError('The token of the request is none of those in its cookies.')
  }
  const token = told ?? known[0]
  if (token !== undefined) {
    const act = token === kept.get('access') && kept.get('refresh') === undefined ? logOut : revoke
    await act(token).catch((error) => {
      if (error instanceof InvalidGrantError) kept.clear()
      throw error
    })
  }
  kept.clear()
}

function isRefresh(parameters: ReadonlyMap<string, string>): boolean {
  return parameters.get('grant_type') === 'refresh_token'
}

function complete(
  parameters: ReadonlyMap<string, string>,
  kept: RequestCookies,
): ReadonlyMap<string, string> {
  if (!isRefresh(parameters)) return parameters
  const token = kept.choose('refresh', parameters.get('refresh_token'))
  if (token === undefined)
    throw new InvalidRequestError('There is no refresh token, in a cookie or the body.')
  return new Map(parameters).set('refresh_token', token)
}
