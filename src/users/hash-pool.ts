import type { Piscina } from 'piscina'
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
  /** Watches each call, its wait included. */
  readonly watch?: Watch
}

/** So many calls wait for a hashing thread that another would wait too long. Try again later. */
export class HashQueueFullError extends UnavailableError {
  override readonly name = 'HashQueueFullError'
}

const idleTimeout = 60_000

/** Hashes and checks passwords in threads of their own, which start with the first call and end when idle. */
export class HashPool {
  readonly #options: HashPoolOptions
  readonly #policy: HashPolicy
  readonly #pending = new Set<Promise<unknown>>()
  #threads: Promise<Piscina> | undefined
  #closed = false

  constructor(options: HashPoolOptions) {
    this.#options = options
    this.#policy = { cost: options.cost }
  }

  /**
   * Hashes a password, normalised, in the current format and cost.
   * @throws {InvalidPasswordError} when it is too long or no Unicode text
   * @throws {HashQueueFullError} when too many calls wait already
   */
  async hash(password: string): Promise<string> {
    checkPassword(password)
    return this.#run<string>({ type: 'hash', password, policy: this.#policy })
  }

  /**
   * Checks a password. An `encoded` that is undefined, or of no known format, fails after the same work.
   * @param options.normalised whether the hash is of the password's normalised form.
   * @param options.upgrade whether to answer with a new hash where one is due; say false for an account that may not
   *   log in, so that a right password shows in nothing.
   * @throws {InvalidPasswordError} when the password is too long or no Unicode text, whoever the user is
   * @throws {HashQueueFullError} when too many calls wait already
   */
  async verify(
    password: string,
    encoded: string | undefined,
    { normalised, upgrade = true }: { readonly normalised: boolean; readonly upgrade?: boolean },
  ): Promise<Verification> {
    checkPassword(password)
    return this.#run<Verification>({
      type: 'verify',
      password,
      encoded,
      normalised,
      upgrade,
      policy: this.#policy,
    })
  }

  /** How many calls wait for a thread now. */
  get waiting(): number {
    return Math.max(0, this.#pending.size - this.#options.threads)
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
    const threads = await this.#threads
    this.#threads = undefined
    await threads?.destroy()
  }

  async #run<Result>(task: HashTask): Promise<Result> {
    if (this.#closed) throw new Error('The hash pool was closed; no password is hashed any more.')
    const { threads, queue, watch = unwatched } = this.#options
    if (this.#pending.size >= threads + queue) {
      throw new HashQueueFullError(
        `${queue} calls wait for ${threads} hashing threads; raise either, or try again.`,
      )
    }
    const result = watch('hash', () => this.#start(task))
    this.#pending.add(result)
    try {
      return (await result) as Result
    } catch (error) {
      throw this.#closed ? new UnavailableError('The hash pool was closed.', { cause: error }) : error
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
