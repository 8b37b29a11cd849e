import type { RequestTemplate, TokenRequest } from '../subjects/subject.ts'

const atOnce = 8
/** How often a virtual machine does everything before it is measured, for each session. */
const repetitions = 8

/** Begins sessions, several at once. @returns one refresh token of each. */
export async function beginSessions(count: number, begin: () => Promise<string>): Promise<readonly string[]> {
  const tokens: string[] = []
  let begun = 0
  const client = async () => {
    while (begun < count) {
      begun++
      tokens.push(await begin())
    }
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  return tokens
}

/**
 * What just-in-time compilers need beyond the warm-up that everybody gets: with the 1,024 sessions of a full run, 8,192
 * tokens by each grant. @returns the successors of `refreshTokens`.
 */
export async function warmUp(
  origin: string,
  requests: { readonly client_credentials: TokenRequest; readonly refresh_token: TokenRequest },
  refreshTokens: readonly string[],
): Promise<readonly string[]> {
  const waiting = [...refreshTokens]
  return beginSessions(refreshTokens.length, async () => {
    let token = waiting.pop() ?? ''
    for (let turn = 0; turn < repetitions; turn++) {
      await ask(origin, requests.client_credentials)
      const { body, ...rest } = requests.refresh_token
      const presented = body.replace('{refresh_token}', encodeURIComponent(token))
      token = readRefreshToken(await ask(origin, { ...rest, body: presented }))
    }
    return token
  })
}

/** @throws when the answer is not 200. */
export async function ask(origin: string, request: RequestTemplate): Promise<unknown> {
  const { path, headers, body } = request
  const response = await fetch(`${origin}${path}`, { method: 'POST', headers, body })
  if (response.status !== 200)
    throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return response.json()
}

/** @throws when there is none. */
export function readRefreshToken(answer: unknown): string {
  const token = (answer as { readonly refresh_token?: unknown }).refresh_token
  if (typeof token !== 'string')
    throw new Error(`An answer without a refresh token: ${JSON.stringify(answer)}`)
  return token
}
