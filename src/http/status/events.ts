import type { ServerResponse } from 'node:http'
import type { Context } from 'koa'
import type { ClientAuthentication } from '../../clients/client-authentication.ts'
import { second } from '../../lib/durations.ts'
import { UnavailableError } from '../../lib/unavailable-error.ts'
import type { EventStream, StreamReader } from '../../status/event-stream.ts'
import type { ClientNetworks } from '../client-network.ts'
import { readCredentials } from '../oauth2/credentials.ts'

/** After how many seconds a reader that found no place should come again. */
const retryAfterSeconds = 5

/** How long a connection may be silent before the system asks whether it is alive, in milliseconds. */
const keepAliveDelay = 15 * second

/**
 * `GET /status-lists/events`: server-sent events (WHATWG HTML, "Server-sent events"). Whoever authenticates as a
 * client, by HTTP Basic, has a reserved place.
 */
export function statusEventsEndpoint(
  stream: EventStream,
  clients: ClientAuthentication,
  networks: ClientNetworks,
): (context: Context) => Promise<void> {
  return async (context) => {
    const credentials = readCredentials(context.headers.authorization, new Map())
    const network = networks.find(context.req)
    if (credentials) await clients.authenticateConfidential(credentials, network)
    context.set('Cache-Control', 'no-store')
    context.set('Content-Type', 'text/event-stream')
    // nginx would keep the events until its buffer is full.
    context.set('X-Accel-Buffering', 'no')
    if (context.method === 'HEAD') {
      context.status = 200
      return
    }
    const { req: request, res: response } = context
    const reader = new ResponseReader(response)
    const visitor = { isAuthenticated: credentials !== undefined, network }
    const lastEventId = header(context, 'last-event-id')
    await stream.prepare(lastEventId)
    // Gone meanwhile: nobody would ever give its place back.
    if (request.socket.destroyed) return
    const leave = stream.subscribe(reader, visitor, lastEventId)
    if (!leave) {
      context.remove('Content-Type')
      context.remove('X-Accel-Buffering')
      const why = stream.isOpen ? 'Every place of the event stream is taken.' : 'The issuer is stopping.'
      throw new UnavailableError(why, { retryAfterSeconds })
    }
    context.respond = false
    response.on('close', leave)
    // Silence is told by the absence of heartbeats; whoever is gone, by the system.
    request.socket.setTimeout(0)
    request.socket.setKeepAlive(true, keepAliveDelay)
  }
}

function header(context: Context, name: string): string | undefined {
  const value = context.headers[name]
  return typeof value === 'string' ? value : undefined
}

/** Writes to an answer whose end is that of its connection, so that the same bytes can go to everybody. */
class ResponseReader implements StreamReader {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
    // A reader that broke off is gone, which its `close` says.
    response.on('error', () => undefined)
  }

  get unread(): number {
    return this.#response.writableLength
  }

  write(frame: Buffer): void {
    if (this.#response.writableEnded || this.#response.destroyed) return
    if (!this.#response.headersSent) {
      this.#response.useChunkedEncodingByDefault = false
      this.#response.shouldKeepAlive = false
      this.#response.writeHead(200)
    }
    this.#response.write(frame)
  }

  end(): void {
    this.#response.end()
  }

  cut(): void {
    this.#response.destroy()
  }
}
