/** An answer of an OAuth endpoint, its JSON read. */
export interface OAuthAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
}

export type Form = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

/** Posts a form, as fetch does it. */
export async function post(
  url: string,
  form: Form,
  headers: Readonly<Record<string, string>> = {},
): Promise<OAuthAnswer> {
  const pairs = Array.isArray(form) ? form : Object.entries(form)
  return read(
    await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&'),
    }),
  )
}

export async function read(response: Response): Promise<OAuthAnswer> {
  const text = await response.text()
  let body: Record<string, unknown> = {}
  try {
    body = JSON.parse(text)
  } catch {
    // Not every answer is JSON; the text is there too.
  }
  return { status: response.status, headers: response.headers, body, text }
}

/** HTTP Basic credentials, form-encoded inside (RFC 6749 §2.3.1). */
export function basic(client: { readonly id: string; readonly secret: string }): {
  readonly Authorization: string
} {
  const text = `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`
  return { Authorization: `Basic ${Buffer.from(text).toString('base64')}` }
}

/** What the token endpoint gave for a session. */
export interface TokenPair {
  readonly access_token: string
  readonly refresh_token: string
}

/** Reads a token pair, and fails with the answer when there is none. */
export function toPair(answer: OAuthAnswer): TokenPair {
  const { access_token, refresh_token } = answer.body
  if (typeof access_token !== 'string' || typeof refresh_token !== 'string') {
    throw new Error(`No token pair, but ${answer.status} ${answer.text}`)
  }
  return { access_token, refresh_token }
}

/** The claims of a token, unverified. */
export function decodeClaims(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}
