import type { Clock } from '../lib/clock.ts'
import type { Gate, Outcome } from '../limits/gate.ts'
import { ThrottledError } from '../limits/throttled-error.ts'
import { InvalidClientError } from '../protocol/errors.ts'
import type { FailedAttempts } from '../store/audit/failed-attempts.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { ClientDirectory, RegisteredClient } from './client-directory.ts'
import { createClientSecret, matchesSecret } from './client-secret.ts'

/** How a client says who it is: by HTTP Basic, in the body, or by its name alone (RFC 6749 §2.3). */
export interface ClientCredentials {
  readonly clientId: string
  /** Undefined when none was sent, as a public client does. */
  readonly secret: string | undefined
}

/** Compared when the client is unknown, so that the comparison tells nothing. That a client exists is no secret. */
const decoy = createClientSecret('nobody', 0).record

type Refusal = 'unknown' | 'secret' | 'disabled' | 'method'

/** Tells which client sends a request (RFC 6749 §3.2.1). */
export class ClientAuthentication {
  readonly #directory: ClientDirectory
  readonly #failures: FailedAttempts
  readonly #clock: Clock
  readonly #gate: Gate

  constructor(directory: ClientDirectory, failures: FailedAttempts, clock: Clock, gate: Gate) {
    this.#directory = directory
    this.#failures = failures
    this.#clock = clock
    this.#gate = gate
  }

  /**
   * A confidential client by its secret, a public one by its name.
   * @param network where the request comes from: an IPv4 address or an IPv6 /64; undefined for this machine itself.
   * @param isExempt is asked when too many secrets were tried: whether this request must be looked at all the same.
   * @throws {InvalidClientError} the same for every reason: missing, unknown, wrong secret, disabled.
   * @throws {ThrottledError} when too many secrets were tried before. A name alone is none.
   */
  async authenticate(
    credentials: ClientCredentials | undefined,
    network: string | undefined,
    isExempt?: (client: ClientRecord) => Promise<boolean>,
  ): Promise<ClientRecord> {
    if (!credentials) throw new InvalidClientError('Client authentication is missing.')
    const { clientId, secret } = credentials
    const registered = this.#directory.peek(clientId) ?? (await this.#directory.find(clientId))
    let reason: Refusal | undefined
    const check = (): Outcome<ClientRecord> => {
      reason = findRefusal(registered, secret, this.#clock.now())
      if (reason === undefined && registered) return { passed: registered.client }
      return { refused: registered?.client.clientId }
    }
    const subject = { kind: 'client', name: clientId, network } as const
    let outcome: Outcome<ClientRecord>
    try {
      const tried = secret === undefined ? check() : this.#gate.trySecret(subject, check)
      outcome = tried instanceof Promise ? await tried : tried
    } catch (error) {
      if (!(error instanceof ThrottledError) || !registered) throw error
      if (!(await isExempt?.(registered.client))) throw error
      outcome = check()
    }
    if ('passed' in outcome) return outcome.passed
    throw await this.#refuse(reason ?? 'unknown', clientId, registered?.client)
  }

  /** As {@link authenticate}, and a client that has only a name is refused. */
  async authenticateConfidential(
    credentials: ClientCredentials | undefined,
    network: string | undefined,
  ): Promise<ClientRecord> {
    const client = await this.authenticate(credentials, network)
    if (client.public) throw await this.#refuse('method', client.clientId, client)
    return client
  }

  async #refuse(reason: Refusal, name: string, client?: ClientRecord): Promise<InvalidClientError> {
    // The name of an unknown client is whatever a stranger typed, a secret perhaps, so it is not told.
    const told = client && { client: client.clientId }
    await this.#failures.tell({ type: 'client.authentication_failed', reason, ...told }, name)
    return new InvalidClientError()
  }
}

/** Why a client is not who it says; undefined when it is. */
function findRefusal(
  registered: RegisteredClient | undefined,
  secret: string | undefined,
  now: number,
): Refusal | undefined {
  const matches = matchesSecret(secret ?? '', registered?.secrets ?? [decoy], now)
  if (!registered) return 'unknown'
  const { client } = registered
  if (client.public ? secret !== undefined : !matches) return secret === undefined ? 'method' : 'secret'
  return client.disabledAt === null ? undefined : 'disabled'
}
