import { OperatorError } from './operator-error.ts'
import { UnavailableError } from './unavailable-error.ts'

/** What one side lets the other one call; values must survive a structured clone. */
export type Procedures<Names> = {
  readonly [Name in keyof Names]: (...values: never[]) => unknown
}

/** Where messages go to and come from: a process's channel to its parent, or to a child. */
export interface Channel {
  send(message: unknown): void
  onMessage(listen: (message: unknown) => void): void
  /** No message comes any more. */
  onEnd(listen: () => void): void
}

interface Call {
  readonly call: number
  readonly name: string
  readonly values: readonly unknown[]
}

interface Answer {
  readonly answers: number
  readonly value?: unknown
  readonly failure?: Failure
}

interface Failure {
  readonly message: string
  readonly stack: string | undefined
  /** Errors that others tell apart; the message of `operator` says all that is needed. */
  readonly kind: 'operator' | 'unavailable' | 'other'
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Two processes that call each other over one channel: `Theirs` is what can be called there. */
export class Calls<Theirs extends Procedures<Theirs>> {
  readonly #channel: Channel
  readonly #waiting = new Map<number, Waiting>()
  #last = 0
  #ended = false

  /** @param mine what the other side calls here. */
  constructor(channel: Channel, mine: Procedures<object>) {
    this.#channel = channel
    const procedures = new Map<string, (...values: never[]) => unknown>(Object.entries(mine))
    channel.onMessage((message) => {
      if (isCall(message)) void this.#answer(message, procedures.get(message.name))
      else if (isAnswer(message)) this.#settle(message)
    })
    channel.onEnd(() => {
      this.#ended = true
      for (const { reject } of this.#waiting.values()) reject(gone())
      this.#waiting.clear()
    })
  }

  /** @throws {UnavailableError} when the other side is gone; otherwise what was thrown there, of its kind. */
  call<Name extends keyof Theirs & string>(
    name: Name,
    ...values: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(gone())
        return
      }
      const call = ++this.#last
      this.#waiting.set(call, { resolve: resolve as (value: unknown) => void, reject })
      this.#channel.send({ call, name, values } satisfies Call)
    })
  }

  async #answer({ call, name, values }: Call, run: ((...values: never[]) => unknown) | undefined) {
    let answer: Answer
    try {
      if (!run) throw new TypeError(`The other side calls ${name}, which is not there.`)
      answer = { answers: call, value: await run(...(values as never[])) }
    } catch (error) {
      answer = { answers: call, failure: describe(error) }
    }
    if (!this.#ended) this.#channel.send(answer)
  }

  #settle({ answers, value, failure }: Answer): void {
    const waiting = this.#waiting.get(answers)
    this.#waiting.delete(answers)
    if (failure) waiting?.reject(revive(failure))
    else waiting?.resolve(value)
  }
}

function gone(): UnavailableError {
  return new UnavailableError('The other process has ended; what it wrote says why.')
}

function describe(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), stack: undefined, kind: 'other' }
  const { message, stack } = error
  if (error instanceof OperatorError) return { message, stack, kind: 'operator' }
  return { message, stack, kind: error instanceof UnavailableError ? 'unavailable' : 'other' }
}

function revive({ message, stack, kind }: Failure): Error {
  if (kind === 'operator') return new OperatorError(message)
  if (kind === 'unavailable') return new UnavailableError(message)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}

function isCall(message: unknown): message is Call {
  return typeof message === 'object' && message !== null && 'call' in message
}

function isAnswer(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'answers' in message
}
