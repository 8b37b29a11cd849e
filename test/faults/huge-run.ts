import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { readResident } from '../../bench/process-usage.ts'
import { createInstallation } from '../support/shared-installation.ts'
import { HonestClient } from './honest.ts'

export interface HugeOptions {
  /** How many of each kind are sent at once. */
  readonly atOnce: number
  /** How often. */
  readonly rounds: number
}

export interface HugeResult {
  /** How often each status came first, by what was sent. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Resident bytes of the server when it had been warmed up, and at most while they were sent. */
  readonly bytesBefore: number
  readonly bytesMost: number
  /** Whether it serves afterwards. */
  readonly isAlive: boolean
}

const head = (...headers: readonly string[]) =>
  ['POST /oauth2/token HTTP/1.1', 'Host: issuer', ...headers, '', ''].join('\r\n')
const form = 'Content-Type: application/x-www-form-urlencoded'
/** Eight megabytes in pieces, for as long as the server takes them. */
const piece = 'x'.repeat(65_536)
const pieces = 128
const bomb = gzipSync(Buffer.alloc(50_000_000, 'x')).toString('latin1')

const kinds: Readonly<
  Record<string, { readonly start: string; readonly goesOn?: (text: string) => string }>
> = {
  'body with a length': {
    start: head(form, `Content-Length: ${piece.length * pieces}`),
    goesOn: (text) => text,
  },
  'body in chunks': {
    start: head(form, 'Transfer-Encoding: chunked'),
    goesOn: (text) => `${text.length.toString(16)}\r\n${text}\r\n`,
  },
  'length of a terabyte': { start: head(form, 'Content-Length: 1000000000000') },
  'body that gzip makes large': {
    start: head(form, 'Content-Encoding: gzip', `Content-Length: ${bomb.length}`) + bomb,
  },
  'one long header': { start: head(`X-Long: ${'x'.repeat(1_000_000)}`) },
  'many headers': { start: head(...Array.from({ length: 1_000 }, (_, index) => `X-${index}: x`)) },
  'headers without an end': { start: 'POST /oauth2/token HTTP/1.1\r\n', goesOn: (text) => `X: ${text}\r\n` },
}

/** The largest body that is read. */
const allowed = { start: head(form, `Content-Length: ${piece.length}`, 'Connection: close') + piece }

/** Sends bodies and headers that are too large to a server process, many at once, and watches its memory. */
export async function hugeRequests({ atOnce, rounds }: HugeOptions): Promise<HugeResult> {
  const installation = await createInstallation()
  const node = await installation.startChild()
  const honest = new HonestClient(installation, node.url)
  const pid = node.process.pid ?? 0
  const port = Number(new URL(node.url).port)
  const answers: Record<string, Record<string, number>> = {}
  const send = async (name: string) => {
    const status = await sendHuge(port, kinds[name] ?? { start: '' })
    const counts = answers[name] ?? {}
    answers[name] = counts
    counts[status] = (counts[status] ?? 0) + 1
  }
  let isOver = false
  try {
    await honest.logIn()
    // What a server needs for as many requests with bodies that it takes is not what is measured.
    for (let round = 0; round < rounds * Object.keys(kinds).length; round++) {
      await Promise.all(Array.from({ length: atOnce }, () => sendHuge(port, allowed)))
    }
    const bytesBefore = readResident(pid)
    const watching = (async () => {
      let most = bytesBefore
      for (; !isOver; await delay(20)) most = Math.max(most, readResident(pid))
      return most
    })()
    for (let round = 0; round < rounds; round++) {
      for (const name of Object.keys(kinds))
        await Promise.all(Array.from({ length: atOnce }, () => send(name)))
    }
    isOver = true
    const until = performance.now() + 500
    const { failed } = await honest.refreshUntil(() => performance.now() >= until)
    return { answers, bytesBefore, bytesMost: await watching, isAlive: failed === 0 }
  } finally {
    isOver = true
    honest.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}

/** The status of the first answer, or how the connection ended without one. */
async function sendHuge(
  port: number,
  { start, goesOn }: { readonly start: string; readonly goesOn?: (text: string) => string },
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  let code = 'no answer'
  const closed = new Promise<void>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code ?? code
    })
    socket.on('close', () => resolve())
  })
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
    // Whoever has the answer goes away.
    if (received.includes('\r\n\r\n')) socket.end()
  })
  await Promise.race([once(socket, 'connect').catch(() => undefined), closed])
  socket.write(start, 'latin1')
  for (let sent = 0; goesOn && sent < pieces && socket.writable; sent++) {
    if (!socket.write(goesOn(piece))) {
      await Promise.race([
        once(socket, 'drain').catch(() => undefined),
        closed,
        delay(10_000, undefined, { ref: false }),
      ])
    }
  }
  await closed
  return /^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? code
}
