import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** One request, byte for byte; nothing is added but Host and Content-Length. */
export interface WireRequest {
  readonly method: string
  /** With the query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface WireAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/** Sends the request; an answer that comes before the body is read ends it. */
export function send(url: string, { method, target, headers, body }: WireRequest): Promise<WireAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let answered = false
    // Some servers answer HEAD with a body, or a body that is too long before it is there.
    const alone = method === 'HEAD' || body.length > 60_000
    const length = body.length > 0 || method !== 'GET' ? { 'Content-Length': String(body.length) } : {}
    const outgoing = request({
      agent: alone ? false : agent,
      hostname,
      port,
      method,
      path: target,
      headers: { ...headers, ...length },
    })
    outgoing.on('response', (response) => {
      answered = true
      const { statusCode: status = 0, headers: received } = response
      if (method === 'HEAD') {
        response.on('error', () => undefined).destroy()
        return resolve({ status, headers: received, body: Buffer.alloc(0) })
      }
      buffer(response).then((content) => resolve({ status, headers: received, body: content }), reject)
    })
    outgoing.on('error', (error) => answered || reject(error))
    outgoing.end(body)
  })
}

export function closeConnections(): void {
  agent.destroy()
}
