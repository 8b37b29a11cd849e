import type { TokenRequest } from './subject.ts'

/** A request to a token endpoint as RFC 6749 describes it. */
export function renderTokenRequest(
  path: string,
  authorization: string,
  form: Readonly<Record<string, string>>,
): TokenRequest {
  return {
    path,
    headers: {
      Authorization: authorization,
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
    accessToken: 'access_token',
  }
}

/** Both grants, with the parameters of each that the server wants beside those of the RFC. */
export function renderGrants(
  path: string,
  authorization: string,
  extra: Readonly<Record<string, string>> = {},
): { readonly client_credentials: TokenRequest; readonly refresh_token: TokenRequest } {
  const own = renderTokenRequest(path, authorization, { grant_type: 'client_credentials', ...extra })
  const refresh = renderTokenRequest(path, authorization, { grant_type: 'refresh_token' })
  return {
    client_credentials: own,
    refresh_token: {
      ...refresh,
      body: `${refresh.body}&refresh_token={refresh_token}`,
      refreshToken: 'refresh_token',
    },
  }
}

/** `Authorization: Basic`, as RFC 6749 §2.3.1 wants it. */
export function renderBasic(client: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)
  return `Basic ${Buffer.from(`${encode(client)}:${encode(secret)}`).toString('base64')}`
}
