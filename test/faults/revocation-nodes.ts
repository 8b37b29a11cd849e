import type { ChildIssuer } from '../support/child-issuer.ts'
import type { SharedInstallation } from '../support/shared-installation.ts'

/** One of the issuers; its port is another after each start. */
export class Node {
  readonly #installation: SharedInstallation
  #child: ChildIssuer | undefined

  constructor(installation: SharedInstallation) {
    this.#installation = installation
  }

  /** Undefined while it does not run. */
  get url(): string | undefined {
    return this.#child?.url
  }

  async start(): Promise<void> {
    this.#child = await this.#installation.startChild()
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.process.kill(signal)
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = undefined
    await child?.end(signal)
  }

  kill(): Promise<void> {
    return this.end('SIGKILL')
  }
}

/** Mulberry32: the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
