import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { OAuthAnswer } from './oauth.ts'

/** How long an answer is waited for, in milliseconds. */
const patience = 20_000

/** One connection that is kept alive: whatever it carries goes to one process of a server. */
export interface KeptConnection {
  /** Posts a form, after those before it. Throws when the connection breaks; the next call opens another. */
  post(
    path: string,
    form: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<OAuthAnswer>
  get(path: string): Promise<OAuthAnswer>
  close(): void
}

/** Opens a connection to the server at `url`, and waits until it has answered once. */
export async function keepConnection(url: string): Promise<KeptConnection> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      // A connection that is on its way to a worker which dies is answered by nobody, nor closed.
      request(url + path, { method, agent, headers, signal: AbortSignal.timeout(patience) }, resolve)
        .on('error', reject)
        .end(body)
    }).then(read)
  const connection: KeptConnection = {
    post: (path, form, headers = {}) =>
      send(
        'POST',
        path,
        { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
        new URLSearchParams(form).toString(),
      ),
    get: (path) => send('GET', path, {}),
    close: () => agent.destroy(),
  }
  await connection.get('/livez')
  return connection
}

async function read(response: IncomingMessage): Promise<OAuthAnswer> {
  const answered = await text(response)
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value))
  let body: Record<string, unknown> = {}
  try {
    body = JSON.parse(answered)
  } catch {
    // Not every answer is JSON; the text is there too.
  }
  return { status: response.statusCode ?? 0, headers, body, text: answered }
}
