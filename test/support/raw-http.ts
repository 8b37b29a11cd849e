import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection below HTTP, for what no client would send. */
export interface RawConnection {
  readonly socket: Socket
  send(text: string): void
  /** All that came so far. */
  received(): string
  /** Waits until what came matches. */
  until(pattern: RegExp): Promise<string>
  /** Waits until the server has closed the connection, and answers with all that came; a reset counts as closed. */
  closed(): Promise<string>
}

/** Opens a connection to the host and port of `url`. */
export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let received = ''
  const closed = once(socket, 'close')
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
  })
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  return {
    socket,
    send: (text) => void socket.write(text, 'latin1'),
    received: () => received,
    async until(pattern) {
      while (!pattern.test(received)) {
        await Promise.race([
          once(socket, 'data'),
          closed.then(() => {
            if (!pattern.test(received)) throw new Error(`Closed before ${pattern} came: ${received}`)
          }),
        ])
      }
      return received
    },
    async closed() {
      await closed
      return received
    },
  }
}

/** Sends one piece of text on a connection of its own and waits for its end. */
export async function exchange(url: string, text: string): Promise<string> {
  const connection = await openRaw(url)
  connection.send(text)
  return connection.closed()
}

/** The status codes of the answers in what came. */
export function statuses(received: string): readonly number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]))
}
