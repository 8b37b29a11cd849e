import { createServer, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { minute, second } from '../lib/durations.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { cutSlowReaders } from './slow-readers.ts'

/** A listening server. */
export interface HttpServer {
  /** `http://host:port`, with the port that was taken. */
  readonly url: string
  /** How many connections are open. */
  readonly connections: number
  /** How many requests and connections got no further than here, by the status of their answer. */
  readonly refusals: ReadonlyMap<number, number>
  /** Listens, where that was put off. @throws {ListenError} when the address cannot be had. */
  open(): Promise<void>
  /** Hands requests to `listener`; until then they are answered with 503. */
  serve(listener: RequestListener): void
  /**
   * Asks every client to connect elsewhere next time, and goes on for `linger` milliseconds while any is connected,
   * so that a request that is on its way and a load balancer that is still asking get an answer. Then accepts nothing
   * new, finishes what it has accepted, and cuts what is not finished after `patience` milliseconds.
   */
  close(times: { readonly linger: number; readonly patience: number }): Promise<void>
}

export interface ServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly maxConnections: number
  /** Listens only with {@link HttpServer.open}. */
  readonly later?: boolean
  /** The settings that name the address, for who has to change one. */
  readonly settings?: { readonly host: string; readonly port: string }
}

const ownSettings = { host: 'MINTAGE_HOST', port: 'MINTAGE_PORT or --port' }

/** A request with more headers is refused. */
const mostHeaders = 100

/** How often a server that closes looks at its connections, in milliseconds. */
const step = 50

/** The port is taken, or may not be; the message says what to do. */
export class ListenError extends OperatorError {
  override readonly name = 'ListenError'
}

/**
 * Listens with limits of our own: 16 KiB and 100 headers, 10 s for a whole request and as long for an answer to be
 * taken, connections as configured.
 * @throws {ListenError} when the address cannot be had.
 */
export async function listen(options: ServerOptions): Promise<HttpServer> {
  const { host, port, maxConnections, later = false, settings = ownSettings } = options
  const refusals = new Map<number, number>()
  const refused = (status: number) => void refusals.set(status, (refusals.get(status) ?? 0) + 1)
  let closing = false
  const answering = new WeakMap<Socket, ServerResponse>()
  let handle: RequestListener = (_request, response) => {
    response.writeHead(503, { 'Retry-After': '1', 'Cache-Control': 'no-store' }).end()
  }
  const server = createServer(
    {
      maxHeaderSize: 16_384,
      headersTimeout: 10 * second,
      requestTimeout: 10 * second,
      connectionsCheckingInterval: second,
      // Longer than the minute for which the usual load balancers keep a connection.
      keepAliveTimeout: 65 * second,
    },
    (request, response) => {
      // What a refused connection asks for is not done: its answer would reach nobody.
      if (!connections.has(request.socket)) return
      answering.set(request.socket, response)
      if (closing) response.setHeader('Connection', 'close')
      if (request.rawHeaders.length > 2 * mostHeaders) {
        refused(431)
        response.writeHead(431, { 'Cache-Control': 'no-store', Connection: 'close' }).end()
        return
      }
      handle(request, response)
    },
  )
  // Node takes the rest away without a word, so one more than the most shows that there were too many.
  server.maxHeadersCount = mostHeaders + 1
  server.timeout = 2 * minute
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const response = answering.get(socket)
    // A request before it on the same connection is being answered, and its answer comes first.
    if (response?.req.complete && !response.writableFinished) {
      response.once('close', () => refuseMalformed(error, socket, refused))
    } else refuseMalformed(error, socket, refused)
  })
  const connections = limitConnections(server, maxConnections, refused)
  const open = () => bind(server, host, port, settings)
  if (!later) await open()
  server.on('close', cutSlowReaders(connections))
  return {
    get url() {
      const { family, address, port: taken } = server.address() as AddressInfo
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`
    },
    open: async () => (later ? open() : undefined),
    get connections() {
      return connections.size
    },
    refusals,
    serve: (listener) => {
      handle = listener
    },
    async close({ linger, patience }) {
      closing = true
      for (let lingered = 0; lingered < linger && connections.size > 0; lingered += step) await delay(step)
      await drain(server, connections, patience)
    },
  }
}

function bind(
  server: Server,
  host: string,
  port: number,
  settings: { readonly host: string; readonly port: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE'
          ? `is in use: stop what listens there, or choose another port (${settings.port})`
          : `cannot be listened on (${cause.code ?? cause.message}): choose another ${settings.host} or ${settings.port}`
      reject(new ListenError(`${host}:${port} ${reason}.`, { cause }))
    })
    server.listen({ host, port, backlog: 1_024 }, resolve)
  })
}

/** Answers the connections past the limit with 503, where Node would drop them without a word. */
function limitConnections(
  server: Server,
  limit: number,
  refused: (status: number) => void,
): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    if (open.size >= limit) {
      refused(503)
      socket.on('error', () => socket.destroy())
      socket.end(rawAnswer(503, 'Retry-After: 1\r\n'), () => socket.destroy())
      return
    }
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  return open
}

const parserErrors: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

function refuseMalformed(
  error: NodeJS.ErrnoException,
  socket: Socket,
  refused: (status: number) => void,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = parserErrors[error.code ?? ''] ?? 400
  refused(status)
  socket.end(rawAnswer(status), () => socket.destroy())
}

function rawAnswer(status: number, headers = ''): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}Cache-Control: no-store\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}

async function drain(server: Server, connections: ReadonlySet<Socket>, patience: number): Promise<void> {
  const cut = setTimeout(() => {
    for (const socket of connections) socket.destroy()
  }, patience)
  // A kept-alive connection becomes idle only after the answer under way, so those are looked for again.
  const sweep = setInterval(() => server.closeIdleConnections(), step)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  clearTimeout(cut)
  clearInterval(sweep)
}
