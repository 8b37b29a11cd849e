import type { Clock } from '../lib/clock.ts'
import { InvalidClientError } from '../protocol/errors.ts'
import type { FailedAttempts } from '../store/audit/failed-attempts.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { ClientDirectory } from './client-directory.ts'
import { createClientSecret, matchesSecret } from './client-secret.ts'

/** How a client says who it is: by HTTP Basic, in the body, or by its name alone (RFC 6749 §2.3). */
export interface ClientCredentials {
  readonly clientId: string
  /** Undefined when none was sent, as a public client does. */
  readonly secret: string | undefined
}

/** Compared when the client is unknown, so that the comparison tells nothing. That a client exists is no secret. */
const decoy = createClientSecret('nobody', 0).record

/** Tells which client sends a request (RFC 6749 §3.2.1). */
export class ClientAuthentication {
  readonly #directory: ClientDirectory
  readonly #failures: FailedAttempts
  readonly #clock: Clock

  constructor(directory: ClientDirectory, failures: FailedAttempts, clock: Clock) {
    this.#directory = directory
    this.#failures = failures
    this.#clock = clock
  }

  /**
   * A confidential client by its secret, a public one by its name.
   * @throws {InvalidClientError} the same for every reason: missing, unknown, wrong secret, disabled.
   */
  async authenticate(credentials: ClientCredentials | undefined): Promise<ClientRecord> {
    if (!credentials) throw new InvalidClientError('Client authentication is missing.')
    const { clientId, secret } = credentials
    const registered = await this.#directory.find(clientId)
    const matches = matchesSecret(secret ?? '', registered?.secrets ?? [decoy], this.#clock.now())
    if (!registered) throw await this.#refuse('unknown', clientId)
    const { client } = registered
    if (client.public ? secret !== undefined : !matches) {
      throw await this.#refuse(secret === undefined ? 'method' : 'secret', clientId, client)
    }
    if (client.disabledAt !== null) throw await this.#refuse('disabled', clientId, client)
    return client
  }

  /** As {@link authenticate}, and a client that has only a name is refused. */
  async authenticateConfidential(credentials: ClientCredentials | undefined): Promise<ClientRecord> {
    const client = await this.authenticate(credentials)
    if (client.public) throw await this.#refuse('method', client.clientId, client)
    return client
  }

  async #refuse(
    reason: 'unknown' | 'secret' | 'disabled' | 'method',
    name: string,
    client?: ClientRecord,
  ): Promise<InvalidClientError> {
    // The name of an unknown client is whatever a stranger typed, a secret perhaps, so it is not told.
    const told = client && { client: client.clientId }
    await this.#failures.tell({ type: 'client.authentication_failed', reason, ...told }, name)
    return new InvalidClientError()
  }
}
