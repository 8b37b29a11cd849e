import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What a wire does to what the issuer sends. */
export type WireFault = 'none' | 'delayed' | 'held' | 'down'

/** A TCP proxy between verifiers and whichever issuer runs: it cuts, delays, holds back and refuses connections. */
export class Wire {
  readonly #server: Server
  readonly #targets: () => readonly string[]
  readonly #links = new Set<Link>()
  #fault: WireFault = 'none'
  #delay = 0

  private constructor(targets: () => readonly string[]) {
    this.#targets = targets
    this.#server = createServer((socket) => this.#accept(socket))
  }

  /** `targets` gives the URLs to choose from for each new connection. */
  static async open(targets: () => readonly string[]): Promise<Wire> {
    const wire = new Wire(targets)
    wire.#server.listen(0, '127.0.0.1')
    await once(wire.#server, 'listening')
    return wire
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get fault(): WireFault {
    return this.#fault
  }

  /** `delay`, in milliseconds, is for `delayed`. What is held waits in the issuer, as for a slow reader. */
  set(fault: WireFault, delay = 0): void {
    this.#fault = fault
    this.#delay = fault === 'delayed' ? delay : 0
    if (fault === 'down') this.cut()
    for (const link of this.#links) link.set(fault === 'held', this.#delay)
  }

  /** Breaks every connection, what is under way in it included. */
  cut(): void {
    for (const link of this.#links) link.cut()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined)
    const targets = this.#targets()
    const target = targets[Math.floor(Math.random() * targets.length)]
    if (this.#fault === 'down' || target === undefined) return void socket.destroy()
    const link = new Link(socket, new URL(target), () => this.#links.delete(link))
    this.#links.add(link)
    link.set(this.#fault === 'held', this.#delay)
  }
}

class Link {
  readonly #near: Socket
  readonly #far: Socket
  #delay = 0
  readonly #waiting: { readonly due: number; readonly act: () => void }[] = []

  constructor(near: Socket, { hostname, port }: URL, onEnd: () => void) {
    this.#near = near
    this.#far = connect(Number(port), hostname)
    this.#far.on('error', () => undefined)
    near.pipe(this.#far)
    this.#far.on('data', (piece: Buffer) => this.#pass(() => near.write(piece)))
    this.#far.on('end', () => this.#pass(() => near.end()))
    near.on('close', () => {
      this.#far.destroy()
      onEnd()
    })
    // What has arrived here before the issuer died still arrives.
    this.#far.on('close', (failed) => this.#pass(() => (failed ? near.destroy() : near.end())))
  }

  set(isHeld: boolean, delay: number): void {
    this.#delay = delay
    if (isHeld) this.#far.pause()
    else this.#far.resume()
  }

  cut(): void {
    this.#near.destroy()
    this.#far.destroy()
  }

  #pass(act: () => void): void {
    this.#waiting.push({ due: performance.now() + this.#delay, act })
    if (this.#waiting.length === 1) this.#drain()
  }

  /** In order: none overtakes another, whatever the delay of each. */
  #drain(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const wait = next.due - performance.now()
      if (wait > 0) return void setTimeout(() => this.#drain(), Math.ceil(wait))
      next.act()
      this.#waiting.shift()
    }
  }
}
