import type { Piscina } from 'piscina'
import { BoundedQueue } from '../lib/bounded-queue.ts'
import { OverloadedError, type ShedReason } from '../lib/overloaded-error.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import { unwatched, type Watch } from '../lib/watch.ts'
import type { HashTask } from './hash-worker.ts'
import type { HashPolicy } from './hashes/hash-format.ts'
import { checkPassword, type Verification } from './password-hash.ts'

export interface HashPoolOptions {
  /** The cost of bcrypt for new hashes. */
  readonly cost: number
  /** How many passwords are hashed at a time. */
  readonly threads: number
  /** How many calls may wait for a thread. */
  readonly queue: number
  /** How long a call may wait for a thread, in milliseconds; undefined: for as long as it takes. */
  readonly patience?: number | undefined
  /** Is told of each call that was refused. */
  readonly onShed?: ((reason: ShedReason) => void) | undefined
  /** Watches each call, its wait included. */
  readonly watch?: Watch
}

const idleTimeout = 60_000

/** Hashes and checks passwords in threads of their own, which start with the first call and end when idle. */
export class HashPool {
  readonly #options: HashPoolOptions
  readonly #policy: HashPolicy
  readonly #queue: BoundedQueue
  readonly #pending = new Set<Promise<unknown>>()
  #threads: Promise<Piscina> | undefined
  #closed = false
  #isAbandoned = false

  constructor(options: HashPoolOptions) {
    this.#options = options
    this.#policy = { cost: options.cost }
    const { threads, queue, patience, onShed } = options
    this.#queue = new BoundedQueue({ places: threads, length: queue, patience, onShed })
  }

  /**
   * Hashes a password, normalised, in the current format and cost.
   * @throws {InvalidPasswordError} when it is too long or no Unicode text
   * @throws {OverloadedError} when too many calls wait already, or this one has waited for too long
   */
  async hash(password: string): Promise<string> {
    checkPassword(password)
    return this.#run<string>({ type: 'hash', password, policy: this.#policy })
  }

  /**
   * Checks a password. An `encoded` that is undefined, or of no known format, fails after the same work.
   * @param options.normalised whether the hash is of the password's normalised form.
   * @param options.signal aborts when nobody waits for the answer any more.
   * @param options.upgrade whether to answer with a new hash where one is due; say false for an account that may not
   *   log in, so that a right password shows in nothing.
   * @throws {InvalidPasswordError} when the password is too long or no Unicode text, whoever the user is
   * @throws {OverloadedError} when too many calls wait already, or this one has waited for too long
   */
  async verify(
    password: string,
    encoded: string | undefined,
    options: {
      readonly normalised: boolean
      readonly upgrade?: boolean
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<Verification> {
    checkPassword(password)
    const { normalised, upgrade = true, signal } = options
    const task = { type: 'verify', password, encoded, normalised, upgrade, policy: this.#policy } as const
    return this.#run<Verification>(task, signal)
  }

  /** How many calls wait for a thread now. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Whether whatever comes now is refused. */
  get isFull(): boolean {
    return this.#queue.isFull
  }

  /** Takes down a call that was not made, since the queue is full. @returns after how many seconds it may be. */
  refuse(): number {
    return this.#queue.refuse('full')
  }

  /** Takes no more calls, waits for those that it took, and ends the threads. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#pending)
    await this.abandon()
  }

  /** Takes no more calls and ends the threads; the calls that it took fail. */
  async abandon(): Promise<void> {
    this.#closed = true
    this.#isAbandoned = true
    this.#queue.clear()
    const threads = await this.#threads
    this.#threads = undefined
    await threads?.destroy()
  }

  async #run<Result>(task: HashTask, signal?: AbortSignal): Promise<Result> {
    if (this.#closed) throw new Error('The hash pool was closed; no password is hashed any more.')
    const { watch = unwatched } = this.#options
    // What is refused at once was no hashing, and tells nothing of its time.
    this.#queue.check(signal)
    const result = watch('hash', () => this.#queue.run(() => this.#start(task), signal))
    this.#pending.add(result)
    try {
      return (await result) as Result
    } catch (error) {
      if (!this.#isAbandoned || error instanceof OverloadedError) throw error
      throw new UnavailableError('The hash pool was closed.', { cause: error })
    } finally {
      this.#pending.delete(result)
    }
  }

  async #start(task: HashTask): Promise<unknown> {
    this.#threads ??= startThreads(this.#options)
    return (await this.#threads).run(task)
  }
}

/** The library is loaded with the first password, so that a start that needs none stays light. */
async function startThreads(options: HashPoolOptions): Promise<Piscina> {
  const { Piscina } = await import('piscina')
  return new Piscina({
    filename: new URL('./hash-worker.js', import.meta.url).href,
    minThreads: 1,
    maxThreads: options.threads,
    idleTimeout,
    recordTiming: false,
  })
}
