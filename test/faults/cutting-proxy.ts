import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that lets requests through and breaks the connection somewhere in the answer. */
export interface CuttingProxy {
  readonly url: string
  /** Whether answers are cut; at first they are. */
  cutting: boolean
  /** How many were. */
  readonly cuts: number
  /** The last answer that was cut, whole: what the issuer sent, and nobody received. */
  readonly lastLost: string
  close(): void
}

/** Where the answers break in turn: before their first byte, in the head, in the body, one byte before the end. */
const places = [0, 0.1, 0.7, 1]

/** Every answer is taken from the issuer whole before any of it goes on, so that what it tells has been committed. */
export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let cuts = 0
  let lastLost = ''
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    let answer = Buffer.alloc(0)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
    near.pipe(far)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    far.on('data', (piece) => {
      answer = Buffer.concat([answer, piece])
      if (!isWhole(answer)) return
      const whole = answer
      answer = Buffer.alloc(0)
      if (!proxy.cutting) return void near.write(whole)
      const place = Math.min(whole.length - 1, Math.floor(whole.length * (places[cuts % places.length] ?? 0)))
      cuts++
      lastLost = whole.toString('latin1')
      near.write(whole.subarray(0, place), () => near.destroy())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutting: true,
    get cuts() {
      return cuts
    },
    get lastLost() {
      return lastLost
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return proxy
}

/** Answers of the token endpoint have a length. */
function isWhole(answer: Buffer): boolean {
  const head = answer.indexOf('\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(answer.toString('latin1', 0, head + 4))?.[1]
  return head >= 0 && length !== undefined && answer.length >= head + 4 + Number(length)
}
