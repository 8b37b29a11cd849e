import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import { SharedRun } from '../lib/shared-run.ts'
import { UnavailableError } from '../lib/unavailable-error.ts'
import type { RingRecord } from '../store/key-table.ts'
import type { Jwks } from './jwks.ts'
import { type RevokeOutcome, RingKeeper, type RingKeeperOptions, type RotateOutcome } from './ring-keeper.ts'
import type { Also } from './ring-swaps.ts'
import { loadView, type RingView } from './ring-view.ts'
import { isWithdrawn, type Marks, macKeyInUse, pauseUntil, viewLife } from './schedule.ts'
import type { Signer } from './signer.ts'
import { VaultError } from './vault.ts'

export interface KeyRingOptions extends RingKeeperOptions {
  /** The process's own clock. It measures ages; points in time are the database's. */
  readonly clock: Clock
}

/** A key of the refresh tokens' MAC (HMAC-SHA-256): 32 bytes. */
export interface MacKey {
  readonly id: number
  readonly key: Buffer
}

/** The JWKS, and whether it is young enough to be kept. */
export interface Publication extends Jwks {
  readonly isCurrent: boolean
}

/** How long a publication waits for the database, in milliseconds: keys are shown while it is away, too. */
const publicationPatience = second

/** A key of the ring cannot be used in this process now; why, was reported when it was read. */
export class KeyUnavailableError extends UnavailableError {
  override readonly name = 'KeyUnavailableError'
}

/**
 * The key ring in a running process: it signs, publishes, follows what other processes do to the ring, and asks the
 * schedule what to do.
 *
 * No token outlasts its key. {@link signer} makes a longer life than any before durable in the ring before it hands
 * out a key for it, whoever retires that key publishes it for the longest life in the ring, and a process whose view
 * is too old to know whether its key was retired reads the ring again before it signs.
 */
export class KeyRing {
  readonly #options: KeyRingOptions
  readonly #keeper: RingKeeper
  #view: RingView
  /** When, by the process's clock, the database confirmed the view. */
  #confirmedAt = Number.NEGATIVE_INFINITY
  /** The database's clock minus the process's. */
  #offset = 0
  #unusableUntil = Number.NEGATIVE_INFINITY
  readonly #reloading = new SharedRun(() => this.#load())
  #lastTick: Promise<void> = Promise.resolve()
  #unsubscribe: () => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  private constructor(options: KeyRingOptions, keeper: RingKeeper, view: RingView) {
    this.#options = options
    this.#keeper = keeper
    this.#view = view
  }

  /**
   * Opens the ring, making the first keys where there are none, and keeps it turning until {@link close}.
   * @throws {VaultError} when a key of the ring is missing, loose or corrupt, or one cannot be kept.
   */
  static async open(options: KeyRingOptions): Promise<KeyRing> {
    const keeper = new RingKeeper(options)
    const { ring, until } = await keeper.advance()
    const opened = new KeyRing(options, keeper, await loadView(ring, options.vault))
    opened.#unsubscribe = options.store.changes.on('keys', () => {
      opened.reload().catch(options.onError)
    })
    try {
      await opened.reload()
      const [problem, ...others] = opened.#view.problems
      if (problem) throw others.length === 0 ? problem : joinProblems(problem, others)
    } catch (error) {
      await opened.close()
      throw error
    }
    opened.#sleep(pauseUntil(until, opened.#now(), ring))
    return opened
  }

  /** The ring as this process knows it. */
  get record(): RingRecord {
    return this.#view.ring
  }

  /**
   * The key that signs now, for a token that lives `tokenLife` milliseconds from now. Ask for each token anew.
   * @throws {KeyUnavailableError} when no key may sign for that long; {StoreUnavailableError} when the database has
   *   been away for so long that this process cannot know which key signs.
   */
  async signer(tokenLife: number): Promise<Signer> {
    if (this.#isStale()) await this.reload()
    if (tokenLife > this.#view.ring.longestTokenLife) await this.#raise({ longestTokenLife: tokenLife })
    const { signer, signsUntil } = this.#view
    if (signer && this.#now() + tokenLife <= signsUntil) return signer
    throw new KeyUnavailableError('The signing key cannot be used; the log says why.')
  }

  /** The JWKS as this process knows it. */
  jwks(): Jwks {
    return this.#view.jwks
  }

  /**
   * What `/.well-known/jwks.json` answers, with a `max-age` of no more than the policy's. A view that is too old may
   * lack the key that another process signs with by now, so it is read again first. Without a database it is what
   * there is; it is not current then, and nobody may keep it.
   */
  async publication(): Promise<Publication> {
    if (this.#isStale()) {
      const reading = this.reload().catch(() => undefined)
      await Promise.race([reading, sleep(publicationPatience, undefined, { ref: false })])
    }
    return { ...this.#view.jwks, isCurrent: !this.#isStale() }
  }

  /** The published public key of that `kid`; undefined when it is unknown or withdrawn. */
  publicKey(kid: string): KeyObject | undefined {
    return this.#view.publicKeys.get(kid)
  }

  /** The MAC key of new refresh tokens. @throws {KeyUnavailableError} when it could not be loaded. */
  currentMacKey(): MacKey {
    const id = macKeyInUse(this.#view.ring, this.#now())?.id
    const key = id === undefined ? undefined : this.#view.macKeys.get(id)
    if (id !== undefined && key) return { id, key }
    throw new KeyUnavailableError('The MAC key cannot be used; the log says why.')
  }

  /**
   * The MAC key of that id; undefined when it is unknown or withdrawn, so that nothing made with it is good.
   * @throws {KeyUnavailableError} when the ring has it and it could not be loaded, so that nobody can say.
   */
  macKey(id: number): Buffer | undefined {
    const key = this.#view.macKeys.get(id)
    if (key || !this.#view.ring.macKeys.some((known) => known.id === id && !isWithdrawn(known))) return key
    throw new KeyUnavailableError(`The MAC key ${id} cannot be used; the log says why.`)
  }

  /** Whether tokens can be signed and refreshed here. Says nothing of the database. */
  isUsable(): boolean {
    const usable = this.#canSign()
    if (!usable) this.#unusableUntil = this.#now()
    return usable
  }

  /**
   * When {@link isUsable} last said no, in milliseconds since the epoch by the database's clock. Until then whoever
   * asked could not be answered.
   */
  get unusableUntil(): number {
    return this.#unusableUntil
  }

  /** Makes this idle time, in milliseconds, durable in the ring unless it is; before a session may idle so long; undefined when it is. */
  ensureIdle(longestIdle: number): Promise<void> | undefined {
    return longestIdle > this.#view.ring.longestIdle ? this.#raise({ longestIdle }) : undefined
  }

  /** See {@link RingKeeper.rotate}. */
  rotate(): Promise<RotateOutcome> {
    return this.#follow(this.#keeper.rotate())
  }

  /** See {@link RingKeeper.rotateMac}. */
  rotateMac(): Promise<number> {
    return this.#follow(this.#keeper.rotateMac())
  }

  /** See {@link RingKeeper.revoke}. */
  revoke(kid: string): Promise<RevokeOutcome> {
    return this.#follow(this.#keeper.revoke(kid))
  }

  /** See {@link RingKeeper.revokeAll}. */
  revokeAll(also: Also): Promise<RingRecord> {
    return this.#follow(this.#keeper.revokeAll(also))
  }

  /**
   * Does what the schedule wants done by now; the ring's own timer calls it in time.
   * @returns after how many milliseconds to call it again, at most.
   */
  async tick(): Promise<number> {
    const { ring, until } = await this.#follow(this.#keeper.advance())
    return pauseUntil(until, this.#now(), ring)
  }

  /** Takes over what the database has. Calls that come before the reading begins share it. */
  reload(): Promise<void> {
    return this.#reloading.run()
  }

  /** Stops turning; resolves when nothing uses the store any more. */
  async close(): Promise<void> {
    this.#closed = true
    this.#unsubscribe()
    clearTimeout(this.#timer)
    await this.#lastTick
    await this.#reloading.settled()
  }

  #canSign(): boolean {
    const { ring, signer, signsUntil, macKeys } = this.#view
    const macKey = macKeyInUse(ring, this.#now())
    const lastExpiry = this.#now() + this.#options.policy.tokenLife
    return signer !== undefined && lastExpiry <= signsUntil && macKey !== undefined && macKeys.has(macKey.id)
  }

  async #load(): Promise<void> {
    const { store, vault, clock, onError } = this.#options
    for (;;) {
      const asked = clock.now()
      const ring = await store.keys.read()
      this.#offset = (await store.now()) - clock.now()
      const known = this.#view
      if (ring.version !== known.ring.version || known.problems.length > 0) {
        const view = await loadView(ring, vault, known)
        // A key that was withdrawn meanwhile has lost its file, and that is no problem.
        if (view.problems.length > 0 && (await store.keys.read()).version !== ring.version) continue
        this.#view = view
        const told = new Set(known.problems.map((problem) => problem.message))
        for (const problem of view.problems) if (!told.has(problem.message)) onError(problem)
      }
      this.#confirmedAt = asked
      return
    }
  }

  async #raise(marks: Partial<Marks>): Promise<void> {
    await this.#follow(this.#keeper.raise(marks))
  }

  async #follow<T>(change: Promise<T>): Promise<T> {
    const result = await change
    await this.reload()
    return result
  }

  /** Whether the view is too old to sign with. A clock that was set back says nothing of the age. */
  #isStale(): boolean {
    return Math.abs(this.#options.clock.now() - this.#confirmedAt) > viewLife(this.#view.ring)
  }

  #now(): number {
    return this.#options.clock.now() + this.#offset
  }

  #sleep(pause: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#lastTick = this.#wake()
    }, pause)
    this.#timer.unref()
  }

  async #wake(): Promise<void> {
    try {
      this.#sleep(await this.tick())
    } catch (error) {
      this.#options.onError(error)
      this.#sleep(pauseUntil(Number.POSITIVE_INFINITY, this.#now(), this.#view.ring))
    }
  }
}

function joinProblems(first: Error, others: readonly Error[]): VaultError {
  const message = [first, ...others].map((problem) => problem.message).join(' ')
  return new VaultError(first instanceof VaultError ? first.problem : 'unreadable', message, { cause: first })
}
