import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createInstallation } from '../support/shared-installation.ts'
import { HonestClient, type HonestTimes } from './honest.ts'

export interface SlowOptions {
  /** How many slow connections; each thousandth does not read, since to fill its buffers takes thousands of answers. */
  readonly sockets: number
  /** How long the base is measured, in milliseconds. */
  readonly baseMilliseconds: number
}

/** What slow clients do: send a head that never ends, a body that never ends, or ask and not read. */
export const slowKinds = ['head', 'body', 'reader'] as const
export type SlowKind = (typeof slowKinds)[number]

export interface SlowResult {
  readonly base: HonestTimes
  /** While the slow ones were there. */
  readonly beside: HonestTimes
  /** From a connection being open to the server having cut it, the longest of each kind, in milliseconds. */
  readonly longest: Readonly<Record<SlowKind, number>>
  /** How many were still there when nobody was waited for any more. */
  readonly left: number
}

/** How long the slow ones are waited for, in milliseconds. */
const longestWait = 30_000
/** How often a slow one sends a byte, in milliseconds. */
const drip = 1_000
const openedAtOnce = 50

const starts: Readonly<Record<SlowKind, string>> = {
  head: 'POST /oauth2/token HTTP/1.1\r\nHost: issuer\r\nX-Drip: ',
  body: 'POST /oauth2/token HTTP/1.1\r\nHost: issuer\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n',
  // More answers than the system keeps for a connection.
  reader: 'GET /.well-known/jwks.json HTTP/1.1\r\nHost: issuer\r\n\r\n'.repeat(10_000),
}

/** Opens slow connections to a server process, and watches how long they last and what an honest client notices. */
export async function slowClients(options: SlowOptions): Promise<SlowResult> {
  const installation = await createInstallation()
  const node = await installation.startChild()
  const honest = new HonestClient(installation, node.url)
  const open = new Set<Socket>()
  try {
    await honest.logIn()
    const baseEnds = performance.now() + options.baseMilliseconds
    const base = await honest.refreshUntil(() => performance.now() >= baseEnds)
    const longest = { head: 0, body: 0, reader: 0 }
    const opening = openAll(Number(new URL(node.url).port), options.sockets, open, longest)
    const dripping = setInterval(() => {
      // Whoever does not read notices by this alone that the connection is no more.
      for (const socket of open) if (socket.writable) socket.write('x')
    }, drip)
    let isOver = false
    const besides = honest.refreshUntil(() => isOver)
    await opening
    for (const end = performance.now() + longestWait; open.size > 0 && performance.now() < end; )
      await delay(50)
    isOver = true
    clearInterval(dripping)
    return { base, beside: await besides, longest, left: open.size }
  } finally {
    for (const socket of open) socket.destroy()
    honest.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}

async function openAll(
  port: number,
  count: number,
  open: Set<Socket>,
  longest: Record<SlowKind, number>,
): Promise<void> {
  for (let opened = 0; opened < count; opened += openedAtOnce) {
    const batch = Array.from({ length: Math.min(openedAtOnce, count - opened) }, (_, index) => {
      const number = opened + index
      const kind = number % 1_000 === 999 ? 'reader' : number % 2 === 0 ? 'head' : 'body'
      return openSlow(port, kind, open, longest)
    })
    await Promise.all(batch)
  }
}

async function openSlow(
  port: number,
  kind: SlowKind,
  open: Set<Socket>,
  longest: Record<SlowKind, number>,
): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const began = performance.now()
  open.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    open.delete(socket)
    longest[kind] = Math.max(longest[kind], performance.now() - began)
  })
  if (kind === 'reader') socket.pause()
  // What the server says before it cuts is read, or the end of the connection would not be seen.
  else socket.resume()
  socket.write(starts[kind])
}
