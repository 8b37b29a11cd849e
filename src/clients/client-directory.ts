import { Remembered } from '../lib/remembered.ts'
import type { ClientRecord, ClientSecretRecord } from '../store/client-table.ts'
import type { Store } from '../store/store.ts'

export type { ClientRecord } from '../store/client-table.ts'

/** A client and its secrets, expired ones too. */
export interface RegisteredClient {
  readonly client: ClientRecord
  readonly secrets: readonly ClientSecretRecord[]
}

/** Finds clients, from memory where the change feed allows it. */
export class ClientDirectory {
  readonly #store: Store
  readonly #byClientId: Remembered<string, RegisteredClient>
  readonly #unsubscribe: () => void

  constructor(store: Store) {
    this.#store = store
    this.#byClientId = new Remembered((clientId) => this.#load(clientId))
    this.#unsubscribe = store.changes.on('clients', () => this.#byClientId.forget())
  }

  /** As {@link find}, if it is remembered, for those who would not wait for nothing. */
  peek(clientId: string): RegisteredClient | undefined {
    return this.#byClientId.peek(clientId)
  }

  /** The client of this `client_id`, disabled ones too. */
  find(clientId: string): Promise<RegisteredClient | undefined> {
    return this.#byClientId.get(clientId)
  }

  close(): void {
    this.#unsubscribe()
  }

  async #load(clientId: string): Promise<RegisteredClient | undefined> {
    const client = await this.#store.clients.findByClientId(clientId)
    return client && { client, secrets: await this.#store.clients.listSecrets(client.id) }
  }
}
