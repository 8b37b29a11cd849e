import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** Reasons of which the other side has seen nothing, so that the request may go elsewhere. */
const unheard = ['ECONNREFUSED', 'EHOSTUNREACH', 'ETIMEDOUT']

/**
 * A plain HTTP proxy before several servers: each request goes to any of them, whoever asks. It checks nobody's health.
 * As nginx and HAProxy by default, it tries another server when one takes no connection (`isPatient`).
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
      try {
        await this.#forward(target, asked, body, answer)
        this.answered.set(target, (this.answered.get(target) ?? 0) + 1)
        return
      } catch (error) {
        if (!this.#isPatient || !isUnheard(error)) break
      }
    }
    if (answer.destroyed) return
    this.failed++
    if (answer.headersSent) answer.destroy()
    else answer.writeHead(502, { 'Content-Type': 'text/plain' }).end('Bad gateway')
  }

  #forward(target: string, asked: IncomingMessage, body: Buffer, answer: ServerResponse): Promise<void> {
    return new Promise((resolve, reject) => {
      const { method = 'GET', headers, url = '/' } = asked
      const sent = request(target + url, { method, headers, agent: this.#agent }, (got) => {
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

function isUnheard(error: unknown): boolean {
  return error instanceof Error && 'code' in error && unheard.includes(String(error.code))
}
