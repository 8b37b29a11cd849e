import type { Clock } from '../lib/clock.ts'
import { InvalidClientError } from '../protocol/errors.ts'
import type { ClientRecord } from '../store/client-table.ts'
import type { Store } from '../store/store.ts'
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
  readonly #store: Store
  readonly #clock: Clock

  constructor(directory: ClientDirectory, store: Store, clock: Clock) {
    this.#directory = directory
    this.#store = store
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
    if (!registered) throw this.#refuse('unknown')
    const { client } = registered
    if (client.public ? secret !== undefined : !matches) {
      throw this.#refuse(secret === undefined ? 'method' : 'secret', client)
    }
    if (client.disabledAt !== null) throw this.#refuse('disabled', client)
    return client
  }

  /** As {@link authenticate}, and a client that has only a name is refused. */
  async authenticateConfidential(credentials: ClientCredentials | undefined): Promise<ClientRecord> {
    const client = await this.authenticate(credentials)
    if (client.public) throw this.#refuse('method', client)
    return client
  }

  #refuse(reason: 'unknown' | 'secret' | 'disabled' | 'method', client?: ClientRecord): InvalidClientError {
    // The name of an unknown client is whatever a stranger typed, a secret perhaps, so it is not told.
    this.#store.tell({
      type: 'client.authentication_failed',
      reason,
      ...(client && { client: client.clientId }),
    })
    return new InvalidClientError()
  }
}
