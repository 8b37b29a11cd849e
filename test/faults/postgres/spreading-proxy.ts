import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/**
 * A plain HTTP proxy before several servers: each request goes to any of them, whoever asks. It checks nobody's health.
 * A patient one asks another server where one answers nothing or 503, as the page on several nodes lets nginx and
 * HAProxy do.
 */
export class SpreadingProxy {
  readonly #server: Server
  readonly #targets: () => readonly string[]
  readonly #isPatient: boolean
  readonly #agent = new Agent({ keepAlive: true })
  /** How many requests each server has answered. */
  readonly answered = new Map<string, number>()
  /** Requests that got a 502 of the proxy's own, or half an answer. */
  failed = 0

  private constructor(targets: () => readonly string[], isPatient: boolean) {
    this.#targets = targets
    this.#isPatient = isPatient
    this.#server = createServer((asked, answer) => {
      this.#handle(asked, answer).catch(() => answer.destroy())
    })
  }

  static async open(targets: () => readonly string[], isPatient = true): Promise<SpreadingProxy> {
    const proxy = new SpreadingProxy(targets, isPatient)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
    this.#agent.destroy()
  }

  async #handle(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(asked)
    const targets = [...this.#targets()]
    while (targets.length > 0) {
      const [target = ''] = targets.splice(Math.floor(Math.random() * targets.length), 1)
      const isLast = !this.#isPatient || targets.length === 0
      try {
        await this.#forward(target, asked, body, answer, isLast)
        this.answered.set(target, (this.answered.get(target) ?? 0) + 1)
        return
      } catch {
        if (isLast || answer.headersSent) break
      }
    }
    if (answer.destroyed) return
    this.failed++
    if (answer.headersSent) answer.destroy()
    else answer.writeHead(502, { 'Content-Type': 'text/plain' }).end('Bad gateway')
  }

  #forward(
    target: string,
    asked: IncomingMessage,
    body: Buffer,
    answer: ServerResponse,
    isLast: boolean,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const { method = 'GET', headers, url = '/' } = asked
      const sent = request(target + url, { method, headers, agent: this.#agent }, (got) => {
        if (got.statusCode === 503 && !isLast) {
          got.resume()
          return reject(new Error('The server cannot answer now.'))
        }
        answer.writeHead(got.statusCode ?? 502, got.rawHeaders)
        got.on('error', reject)
        got.on('close', () => (got.complete ? resolve() : reject(new Error('The answer was cut short.'))))
        got.pipe(answer)
        answer.on('close', () => got.destroy())
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
