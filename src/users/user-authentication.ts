import type { Gate, Outcome } from '../limits/gate.ts'
import type { FailedAttempts } from '../store/audit/failed-attempts.ts'
import type { Store } from '../store/store.ts'
import type { UserRecord } from '../store/user-table.ts'
import type { HashPool } from './hash-pool.ts'
import { InvalidPasswordError, type Verification } from './password-hash.ts'
import { normaliseUsername } from './username.ts'

/** What a user is named by when logging in. */
export type LoginName = 'username' | 'email'

/** How somebody logs in, and from where. */
export interface LoginAttempt {
  /** What the name is; an e-mail address that several users have is nobody's. A user name when undefined. */
  readonly by?: LoginName | undefined
  /** An IPv4 address or an IPv6 /64; undefined for this machine itself. */
  readonly network: string | undefined
  /** Aborts when nobody waits for the answer any more; a login that waits then is not hashed for. */
  readonly signal?: AbortSignal | undefined
}

/** Tells which user a name and a password belong to. */
export class UserAuthentication {
  readonly #store: Store
  readonly #hashes: HashPool
  readonly #failures: FailedAttempts
  readonly #gate: Gate

  constructor(store: Store, hashes: HashPool, failures: FailedAttempts, gate: Gate) {
    this.#store = store
    this.#hashes = hashes
    this.#failures = failures
    this.#gate = gate
  }

  /**
   * The user, if the password is right and the account enabled; undefined for every other reason alike, after the
   * same work, so that neither answer nor time tells whether the account exists (OWASP ASVS 5 §6.3.8).
   * A hash of an older format or cost is replaced on the way.
   * @param client the `client_id` that asks, for the event.
   * @throws {OverloadedError} when too many logins wait already; that is no failed login.
   * @throws {ThrottledError} when too many were tried before, whether the account exists or not.
   */
  async authenticate(
    name: string,
    password: string,
    client: string,
    { by = 'username', network, signal }: LoginAttempt,
  ): Promise<UserRecord | undefined> {
    const outcome = await this.#gate.tryPassword({ kind: 'user', name, network }, () =>
      this.#check(name, password, client, by, signal),
    )
    return 'passed' in outcome ? outcome.passed : undefined
  }

  async #check(
    name: string,
    password: string,
    client: string,
    by: LoginName,
    signal: AbortSignal | undefined,
  ): Promise<Outcome<UserRecord>> {
    const user = await this.#find(name, by)
    const { ok, upgraded } = await this.#verify(password, user, signal)
    if (!user || !ok || user.disabledAt !== null) {
      const reason = !user ? 'unknown' : ok ? 'disabled' : 'password'
      await this.#failures.tell(
        { type: 'login.failed', reason, client, ...(user && { user: user.id }) },
        name,
      )
      return { refused: user?.id }
    }
    if (upgraded !== undefined && user.password !== null)
      await this.#upgrade(user.id, user.password, upgraded)
    return { passed: user }
  }

  async #find(name: string, by: LoginName): Promise<UserRecord | undefined> {
    // Nobody's name, and PostgreSQL takes none in a text.
    if (name.includes('\0')) return undefined
    if (by === 'username') return this.#store.users.findByUsername(normaliseUsername(name))
    const found = await this.#store.users.findByEmail(name)
    return found.length === 1 ? found[0] : undefined
  }

  async #verify(
    password: string,
    user: UserRecord | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Verification> {
    try {
      return await this.#hashes.verify(password, user?.password ?? undefined, {
        normalised: user?.passwordNormalised ?? true,
        upgrade: user?.disabledAt === null,
        signal,
      })
    } catch (error) {
      // Too long, or no Unicode text: nobody's password, whoever the user is.
      if (error instanceof InvalidPasswordError) return { ok: false }
      throw error
    }
  }

  async #upgrade(id: string, from: string, to: string): Promise<void> {
    await this.#store.transaction(async (tx) => {
      if (await tx.users.upgradePassword(id, from, to)) {
        await tx.record({ type: 'user.password_upgraded', user: id })
      }
    })
  }
}
