import { connect, type Socket } from 'node:net'
import { type Answer, readAnswer } from './answers.ts'

export type { Answer } from './answers.ts'

/**
 * One HTTP/1.1 connection with one request at a time, so lean that the server is what is measured. It is kept alive;
 * a server that closes it behind an answer gets a new one with the next request, within the time of that.
 */
export class Connection {
  readonly #port: number
  #socket: Socket
  #received = ''
  #isOver = false
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined

  private constructor(port: number, socket: Socket) {
    this.#port = port
    this.#socket = this.#listen(socket)
  }

  static async open(port: number): Promise<Connection> {
    return new Connection(port, await dial(port))
  }

  /** Posts a form. `head` is what {@link renderHead} made. */
  post(head: string, form: string): Promise<Answer> {
    return this.send(renderPost(head, form))
  }

  get(path: string): Promise<Answer> {
    return this.send(renderGet(path))
  }

  /** Sends a whole request, ASCII. */
  send(request: string): Promise<Answer> {
    if (this.#isOver) return this.#reopen().then(() => this.send(request))
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(request, 'latin1')
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  async #reopen(): Promise<void> {
    this.#socket = this.#listen(await dial(this.#port))
    this.#received = ''
    this.#isOver = false
  }

  #listen(socket: Socket): Socket {
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#read()
    })
    // What happens to one that was replaced concerns nobody.
    const fail = (error: Error) => this.#socket === socket && !this.#isOver && this.#fail(error)
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('The server closed the connection.')))
    return socket
  }

  #read(): void {
    const waiting = this.#waiting
    try {
      const answer = readAnswer(this.#received)
      if (!answer) return
      this.#received = this.#received.slice(answer.end)
      this.#waiting = undefined
      if (answer.closes) this.#end()
      waiting?.resolve(answer)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #end(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** The head of a request to the token endpoint, up to the value of its Content-Length. */
export function renderHead(port: number, authorization: string): string {
  return [
    'POST /oauth2/token HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    `Authorization: ${authorization}`,
    'Accept: application/json',
    'Content-Type: application/x-www-form-urlencoded',
    'Content-Length: ',
  ].join('\r\n')
}

/** A whole request with a form. `head` is what {@link renderHead} made. */
export function renderPost(head: string, form: string): string {
  return `${head}${form.length}\r\n\r\n${form}`
}

export function renderGet(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
}
