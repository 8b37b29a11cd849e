import { Agent, request } from 'node:http'
import { password } from './in-process-issuer.ts'
import { basic } from './oauth.ts'
import type { Confidential } from './shared-installation.ts'

/** What came back, if all of it did. */
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  /** The `Retry-After` header. */
  readonly retryAfter?: string | undefined
}

/** The connection broke before the whole answer had come: nobody here knows whether the request was carried out. */
export class LostAnswerError extends Error {
  override readonly name = 'LostAnswerError'
  /** Whether it was a connection that had carried an answer before, or had begun to carry this one. */
  readonly wasAccepted: boolean

  constructor(wasAccepted: boolean, cause: unknown) {
    super('The answer was lost.', { cause })
    this.wasAccepted = wasAccepted
  }
}

/** Talks to the token endpoint over kept connections that break when the server does. */
export class TokenClient {
  readonly #agent: Agent
  readonly #headers: Readonly<Record<string, string>>

  constructor(client: Confidential, sockets = 1) {
    // In turn, so that none idles until the server closes it.
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets, scheduling: 'fifo' })
    this.#headers = { ...basic(client), 'Content-Type': 'application/x-www-form-urlencoded' }
  }

  login(url: string, username: string): Promise<Answer> {
    return this.post(`${url}/oauth2/token`, { grant_type: 'password', username, password })
  }

  refresh(
    url: string,
    refreshToken: string,
    options: { readonly key?: string | undefined; readonly scope?: string | undefined } = {},
  ): Promise<Answer> {
    return this.post(
      `${url}/oauth2/token`,
      {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        ...(options.scope !== undefined && { scope: options.scope }),
      },
      options.key === undefined ? {} : { 'Idempotency-Key': options.key },
    )
  }

  /** @throws {LostAnswerError} when the connection broke before the whole answer had come. */
  post(
    url: string,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.#send('POST', url, { ...this.#headers, ...headers }, new URLSearchParams(form).toString())
  }

  /** @throws {LostAnswerError} as {@link post}. */
  get(url: string): Promise<Answer> {
    return this.#send('GET', url, {})
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let hasBegun = false
      const lost = (cause: unknown) => reject(new LostAnswerError(sent.reusedSocket || hasBegun, cause))
      const sent = request(url, { method, agent: this.#agent, headers }, (response) => {
        hasBegun = true
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', lost)
        response.on('close', () => {
          if (!response.complete) return lost(undefined)
          const retryAfter = response.headers['retry-after']
          resolve({ status: response.statusCode ?? 0, body: parse(text), retryAfter })
        })
      })
      sent.on('error', lost)
      sent.end(body)
    })
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  return text.startsWith('{') ? JSON.parse(text) : {}
}

/** The refresh token of an answer, or an error that shows the answer. */
export function refreshTokenOf({ status, body }: Answer): string {
  const token = body['refresh_token']
  if (typeof token !== 'string') throw new Error(`No refresh token, but ${status} ${JSON.stringify(body)}`)
  return token
}

/** What anybody can read in a refresh token. */
export interface ReadToken {
  readonly macKey: number
  readonly handle: string
  readonly generation: number
}

export function readToken(token: string): ReadToken {
  const bytes = Buffer.from(token.slice('mrt_'.length), 'base64url')
  return {
    macKey: bytes.readUInt32BE(1),
    handle: bytes.toString('base64url', 5, 21),
    generation: bytes.readUInt32BE(21),
  }
}
