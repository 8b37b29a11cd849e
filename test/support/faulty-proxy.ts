import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'

/**
 * What becomes of a request: it goes through; the issuer never sees it; the issuer carries it out and its answer is
 * lost, or breaks off in the middle, or never ends; or something in between answers in the issuer's place.
 */
export type Fate = 'pass' | 'drop' | 'lose' | 'cut' | 'hold' | 'outage'

/** Stands between a client and an issuer and does to requests what networks do. */
export interface FaultyProxy {
  readonly url: string
  /** How many requests met each fate. */
  count(fate: Fate): number
}

/** `choose` says what becomes of each request, the first one being 0. Whatever is held is let go after the test. */
export async function startFaultyProxy(
  t: ExecutionContext,
  target: string,
  choose: (index: number) => Fate,
): Promise<FaultyProxy> {
  const fates: Fate[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const fate = choose(fates.length)
    const body = await buffer(request)
    fates.push(fate)
    if (fate === 'drop') return response.destroy()
    if (fate === 'outage') return response.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad</h1>')
    const answer = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'GET',
      headers: copyHeaders(request),
      body,
    })
    const text = await answer.text()
    if (fate === 'lose') return response.destroy()
    if (fate === 'hold') return
    response.writeHead(answer.status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
    })
    if (fate === 'pass') return response.end(text)
    return response.write(text.slice(0, text.length / 2), () => response.destroy())
  }
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    count: (fate) => fates.filter((each) => each === fate).length,
  }
}

function copyHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    ['content-type', 'authorization', 'idempotency-key'].flatMap((name) => {
      const value = headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    }),
  )
}
