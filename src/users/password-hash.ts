import { OperatorError } from '../lib/operator-error.ts'
import { HashStopwatch } from './hash-stopwatch.ts'
import {
  type CurrentFormat,
  type HashFormat,
  type HashPolicy,
  leastBcryptCost,
} from './hashes/hash-format.ts'

/** The longest password, in bytes of UTF-8. Every character of one that is shorter counts. */
export const maxPasswordBytes = 4_096

/** The text cannot be anybody's password. */
export class InvalidPasswordError extends OperatorError {
  override readonly name = 'InvalidPasswordError'
}

/**
 * @throws {InvalidPasswordError} when the password is longer than {@link maxPasswordBytes}, or holds half a surrogate
 *   pair, which UTF-8 cannot carry and would make equal to another.
 */
export function checkPassword(password: string): void {
  if (Buffer.byteLength(password, 'utf8') > maxPasswordBytes) {
    throw new InvalidPasswordError(
      `A password has at most ${maxPasswordBytes} bytes in UTF-8; this one is longer.`,
    )
  }
  if (/\p{Surrogate}/u.test(password)) {
    throw new InvalidPasswordError(
      'A password is a sequence of whole Unicode characters; this one has a broken one.',
    )
  }
}

/**
 * The form in which passwords are hashed: NFC (NIST SP 800-63B-4 §3.1.1.2). Code points that this runtime's Unicode
 * does not know yet are left as they are, not refused as UAX #15 §12.1 would, for the sake of a new emoji.
 */
export function normalisePassword(password: string): string {
  return password.normalize('NFC')
}

export interface VerificationRequest {
  readonly password: string
  /** The user's hash; undefined when there is no such user or no usable password. */
  readonly encoded: string | undefined
  /** Whether the hash was made from the password's normalised form. Hashes that were imported were not. */
  readonly normalised: boolean
  /** Whether to make a new hash where one is due. Without it a right password costs the same as a wrong one. */
  readonly upgrade: boolean
}

export interface Verification {
  readonly ok: boolean
  /** What to store in place of the hash, as one of a normalised password. It may be the same text. */
  readonly upgraded?: string
}

/**
 * Makes and checks password hashes: new ones in the current format and cost, old ones in any format that is
 * registered. Whatever the reason of a failure, the work done is that of one hash of the current cost (a format or
 * cost that is dearer than the current one cannot be hidden, and is replaced at the next login).
 */
export class PasswordHasher {
  readonly #current: CurrentFormat
  readonly #formats: readonly HashFormat[]
  readonly #policy: HashPolicy
  readonly #stopwatch: HashStopwatch

  /** @param stopwatch lives as long as the thread: what it learns pads the next failure better. */
  constructor(
    current: CurrentFormat,
    others: readonly HashFormat[],
    policy: HashPolicy,
    stopwatch = new HashStopwatch(),
  ) {
    this.#current = current
    this.#formats = [current, ...others]
    this.#policy = policy
    this.#stopwatch = stopwatch
  }

  hash(password: string): string {
    return this.#current.hash(normalisePassword(password), this.#policy)
  }

  async verify({ password, encoded, normalised, upgrade }: VerificationRequest): Promise<Verification> {
    const format = encoded === undefined ? undefined : this.#formats.find((each) => each.recognises(encoded))
    if (!format || encoded === undefined) {
      this.#burn(this.#policy.cost)
      return { ok: false }
    }
    const began = this.#stopwatch.now()
    const ok = await format.verify(normalised ? normalisePassword(password) : password, encoded)
    const elapsed = this.#stopwatch.now() - began
    if (ok && upgrade) return { ok, ...this.#upgrade(format, password, encoded, normalised) }
    this.#padTo(2 ** this.#policy.cost, format.work(encoded), elapsed)
    return { ok }
  }

  #upgrade(
    format: HashFormat,
    password: string,
    encoded: string,
    normalised: boolean,
  ): { upgraded?: string } {
    if (format.needsUpgrade(encoded, this.#policy)) return { upgraded: this.hash(password) }
    if (normalised) return {}
    // What was imported as it came is, for most passwords, the hash of the normalised form already.
    return { upgraded: normalisePassword(password) === password ? encoded : this.hash(password) }
  }

  /** @param work as {@link HashFormat.work}. @param elapsed what it took just now, in milliseconds. */
  #padTo(iterations: number, work: number | string, elapsed: number): void {
    if (typeof work === 'number') {
      this.#pad(iterations - work)
      return
    }
    // The speed of bcrypt is learned from the padding itself, for a thread may not have done any yet.
    const first = iterations / 2 ** Math.min(3, this.#policy.cost - leastBcryptCost)
    this.#pad(first)
    this.#pad(iterations - first - this.#stopwatch.toIterations(work, elapsed))
  }

  /** Does `iterations` iterations of bcrypt, as powers of two: those of which the number is the sum. */
  #pad(iterations: number): void {
    for (let cost = leastBcryptCost; 2 ** cost <= iterations; cost++) {
      if (Math.floor(iterations / 2 ** cost) % 2 === 1) this.#burn(cost)
    }
  }

  #burn(cost: number): void {
    const began = this.#stopwatch.now()
    this.#current.verify('', this.#current.dummy(cost))
    this.#stopwatch.learn(cost, this.#stopwatch.now() - began)
  }
}
