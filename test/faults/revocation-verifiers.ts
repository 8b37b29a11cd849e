import { setTimeout as sleep } from 'node:timers/promises'
import { createVerifier, type Verifier, type VerifierEvent, type VerifierOptions } from '@mintage/verifier'
import { createParser } from 'eventsource-parser'
import { audience } from '../support/in-process-issuer.ts'
import type { Issued, Ledger } from './revocation-ledger.ts'
import type { Wire } from './revocation-wire.ts'

type Fetch = NonNullable<VerifierOptions['fetch']>

/** A verifier behind a wire, with clocks that can be set, whose verdicts go into the ledger. */
export class WatchedVerifier {
  readonly name: string
  readonly wire: Wire
  /** What is added to its time of day, in milliseconds. */
  wallOffset = 0
  readonly told = new Map<string, number>()
  readonly #verifier: Verifier
  readonly #ledger: Ledger
  /** The places and keys whose revocation was handed to it. */
  readonly #received = new Set<string>()

  /** With a `wire` that is not the issuer's own address, all that it asks goes through that wire, and is read along. */
  constructor(name: string, issuer: string, wire: Wire, ledger: Ledger, options: Partial<VerifierOptions>) {
    this.name = name
    this.wire = wire
    this.#ledger = ledger
    this.#verifier = createVerifier({
      issuer,
      audience,
      currentDate: () => Date.now() + this.wallOffset,
      onEvent: (event) => this.#note(event),
      ...(wire.url !== issuer && { fetch: this.#through(issuer, wire.url) }),
      ...options,
    })
  }

  get state(): string {
    return this.#verifier.state
  }

  ready(): Promise<void> {
    return this.#verifier.ready()
  }

  close(): void {
    this.#verifier.close()
  }

  /** Presents a token and enters the verdict. */
  async present(token: Issued): Promise<string> {
    const wasTold = this.#received.has(token.place) || this.#received.has(token.kid)
    const before = this.state
    const begunAt = performance.now()
    const outcome = await this.#ask(token.text)
    const after = this.state
    const state = before === after ? after : `${before}, then ${after}`
    this.#ledger.judge(token, { verifier: this.name, begunAt, state, outcome, wasTold })
    return outcome
  }

  /** Presents tokens that `choose` gives, until the signal says that it is enough. */
  async work(choose: () => Issued | undefined, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (let i = 0; i < 10; i++) {
        const token = choose()
        if (token) await this.present(token)
      }
      await sleep(10)
    }
  }

  async #ask(token: string): Promise<string> {
    try {
      await this.#verifier.verify(token)
      return 'accepted'
    } catch (error) {
      if (!(error instanceof Error && 'status' in error)) throw error
      const refusal = `${error.status} ${'reason' in error ? error.reason : error.name}`
      // Whoever cannot ask cannot say.
      return error.status === 503 ? `${refusal}, wire ${this.wire.fault}` : refusal
    }
  }

  #note(event: VerifierEvent): void {
    this.told.set(event.type, (this.told.get(event.type) ?? 0) + 1)
    if (event.type === 'keys.withdrawn') for (const kid of event.kids) this.#received.add(kid)
  }

  /** Every byte goes through here, so that it is known when an event has been handed over. */
  #through(issuer: string, url: string): Fetch {
    return async (asked, init) => {
      const answer = await fetch(asked.replace(issuer, url), init)
      if (!asked.endsWith('/events') || !answer.body) return answer
      const reader = answer.body.getReader()
      const places: string[] = []
      const parser = createParser({
        onEvent: ({ event, data }) => {
          if (event === 'revoked') places.push(...placesOf(JSON.parse(data)))
        },
      })
      const decoder = new TextDecoder()
      const body = {
        getReader: () => ({
          read: async () => {
            const piece = await reader.read()
            if (piece.value) parser.feed(decoder.decode(piece.value, { stream: true }))
            // It is taken before anything else runs than what was already waiting.
            const handed = places.splice(0)
            setImmediate(() => {
              for (const place of handed) this.#received.add(place)
            })
            return piece
          },
          cancel: () => reader.cancel(),
        }),
      }
      return { status: answer.status, headers: answer.headers, body }
    }
  }
}

/** Single places; ranges are those of whole blocks, which no other event names. */
function placesOf({ uri, idx = [] }: { readonly uri: string; readonly idx?: readonly number[] }) {
  return idx.map((index) => `${uri}#${index}`)
}
