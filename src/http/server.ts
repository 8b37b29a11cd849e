import { createServer, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { minute, second } from '../lib/durations.ts'
import { OperatorError } from '../lib/operator-error.ts'

/** A listening server. */
export interface HttpServer {
  /** `http://host:port`, with the port that was taken. */
  readonly url: string
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
}

/** How often a server that closes looks at its connections, in milliseconds. */
const step = 50

/** The port is taken, or may not be; the message says what to do. */
export class ListenError extends OperatorError {
  override readonly name = 'ListenError'
}

/**
 * Listens with limits of our own: 16 KiB and 100 headers, 10 s for a whole request, connections as configured.
 * @throws {ListenError} when the address cannot be had.
 */
export async function listen({ host, port, maxConnections }: ServerOptions): Promise<HttpServer> {
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
      handle(request, response)
    },
  )
  server.maxHeadersCount = 100
  server.timeout = 2 * minute
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const response = answering.get(socket)
    // A request before it on the same connection is being answered, and its answer comes first.
    if (response?.req.complete && !response.writableFinished) {
      response.once('close', () => refuseMalformed(error, socket))
    } else refuseMalformed(error, socket)
  })
  const connections = limitConnections(server, maxConnections)
  await bind(server, host, port)
  const address = server.address() as AddressInfo
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
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

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE'
          ? `is in use: stop what listens there, or choose another port (MINTAGE_PORT or --port)`
          : `cannot be listened on (${cause.code ?? cause.message}): choose another MINTAGE_HOST or MINTAGE_PORT`
      reject(new ListenError(`${host}:${port} ${reason}.`, { cause }))
    })
    server.listen({ host, port, backlog: 1_024 }, resolve)
  })
}

/** Answers the connections past the limit with 503, where Node would drop them without a word. */
function limitConnections(server: Server, limit: number): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    if (open.size >= limit) {
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

function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  socket.end(rawAnswer(parserErrors[error.code ?? ''] ?? 400), () => socket.destroy())
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
