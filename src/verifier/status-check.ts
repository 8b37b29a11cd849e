import { pause } from './backoff.ts'
import { UnavailableError } from './bearer-error.ts'
import { exchangeTimeout } from './http.ts'
import type { Introspection } from './introspection.ts'
import { InvalidTokenError } from './invalid-token-error.ts'
import type { Settings } from './options.ts'
import type { RevocationFeed } from './revocation-feed.ts'
import type { StatusReference } from './status-list-token.ts'
import type { Verdict } from './status-lists.ts'

/** Judges whether a token was revoked, by the lists, and by the policy where they cannot tell for certain. */
export class StatusCheck {
  readonly #settings: Settings
  readonly #feed: RevocationFeed
  readonly #introspection: Introspection | undefined

  constructor(settings: Settings, feed: RevocationFeed, introspection: Introspection | undefined) {
    this.#settings = settings
    this.#feed = feed
    this.#introspection = introspection
  }

  /** Whether the lists alone, as they are now, are enough to accept the token. */
  isClear(reference: StatusReference, wall: number, monotonic: number): boolean {
    if (this.#feed.lists.judge(reference) !== 'valid') return false
    const state = this.#feed.freshness.state(wall, monotonic)
    return state === 'fresh' || (state === 'stale' && this.#settings.whenStale === 'accept')
  }

  /**
   * @param token one whose signature is good: only such a one may cause a list to be fetched.
   * @throws {InvalidTokenError} `revoked`; `expired` when its list is no longer kept
   * @throws {UnavailableError} when nobody can tell and the policy is not to accept
   */
  async check(reference: StatusReference, token: string): Promise<void> {
    const verdict = await this.#judge(reference)
    if (verdict === 'revoked') throw new InvalidTokenError('revoked')
    // No list goes before all that refer to it have expired; what is left of it is the tolerance.
    if (verdict === 'retired') throw new InvalidTokenError('expired')
    const state = verdict === 'unknown' ? 'blind' : this.#feed.freshness.now()
    if (state === 'fresh') return
    const policy = state === 'stale' ? this.#settings.whenStale : this.#settings.whenBlind
    if (policy === 'accept') return
    if (policy === 'refuse' || !this.#introspection) throw new UnavailableError('status')
    if (!(await this.#introspection.isActive(token))) throw new InvalidTokenError('revoked')
  }

  async #judge(reference: StatusReference): Promise<Verdict> {
    const { lists } = this.#feed
    if (!this.#feed.hasBegun) await this.#waitForBeginning()
    if (lists.judge(reference) === 'unknown') await lists.load(reference.uri)
    return lists.judge(reference)
  }

  async #waitForBeginning(): Promise<void> {
    const enough = new AbortController()
    await Promise.race([this.#feed.firstAttempt, pause(exchangeTimeout, enough.signal)])
    enough.abort()
  }
}
