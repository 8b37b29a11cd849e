import { randomId } from '../lib/ids.ts'
import { quote } from '../lib/quote.ts'
import type { ClaimsPreset, TokenTyp } from '../protocol/claims.ts'
import type { ApiRecord } from '../store/api-table.ts'
import { DuplicateError } from '../store/errors.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { AdminError, notFound } from './admin-error.ts'
import { checkAudience, checkLives } from './validation.ts'

/** What may be said of an API; what is left out stays as it is, or takes its default. */
export interface ApiSettings {
  readonly scopes?: readonly string[]
  /** Milliseconds; null: the installation's. */
  readonly accessTokenTtl?: number | null
  readonly typ?: TokenTyp
  readonly claimsPreset?: ClaimsPreset
  /** The `client_id` of the client that may introspect its tokens; null: none. */
  readonly introspectionClient?: string | null
}

/**
 * Administration of APIs. Every method throws {AdminError} for what cannot be done. In what they return, the
 * introspection client is named by its `client_id`.
 */
export class ApiAdmin {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async create(audience: string, settings: ApiSettings): Promise<ApiRecord> {
    checkAudience(audience)
    checkLives(settings)
    try {
      return await this.#change(async (tx) => {
        const api: ApiRecord = {
          id: randomId('api'),
          audience,
          scopes: settings.scopes ?? [],
          accessTokenTtl: settings.accessTokenTtl ?? null,
          typ: settings.typ ?? 'at+jwt',
          claimsPreset: settings.claimsPreset ?? 'rfc9068',
          introspectionClient: await findClientId(tx, settings.introspectionClient ?? null),
          createdAt: tx.now,
          updatedAt: tx.now,
        }
        await tx.apis.insert(api)
        await tx.record({ type: 'api.created', audience })
        return api
      })
    } catch (error) {
      if (error instanceof DuplicateError) throw new AdminError(`There is an API ${quote(audience)} already.`)
      throw error
    }
  }

  async list(): Promise<readonly ApiRecord[]> {
    return Promise.all((await this.#store.apis.list()).map((api) => nameClient(this.#store, api)))
  }

  async get(audience: string): Promise<ApiRecord> {
    const api = await this.#store.apis.find(audience)
    if (!api) throw notFound('API', audience)
    return nameClient(this.#store, api)
  }

  async update(audience: string, settings: ApiSettings): Promise<ApiRecord> {
    checkLives(settings)
    return this.#change(async (tx) => {
      const api = await tx.apis.find(audience)
      if (!api) throw notFound('API', audience)
      const { introspectionClient, ...rest } = settings
      const updated: ApiRecord = {
        ...api,
        ...rest,
        ...(introspectionClient !== undefined && {
          introspectionClient: await findClientId(tx, introspectionClient),
        }),
        updatedAt: tx.now,
      }
      await tx.apis.update(updated)
      await tx.record({ type: 'api.updated', audience })
      return updated
    })
  }

  async delete(audience: string): Promise<void> {
    await this.#store.transaction(async (tx) => {
      const api = await tx.apis.find(audience)
      if (!api) throw notFound('API', audience)
      await tx.apis.delete(api.id)
      await tx.record({ type: 'api.deleted', audience })
      tx.changed('apis')
    })
  }

  #change(change: (tx: StoreTransaction) => Promise<ApiRecord>): Promise<ApiRecord> {
    return this.#store.transaction(async (tx) => {
      const api = await change(tx)
      tx.changed('apis')
      return nameClient(tx, api)
    })
  }
}

async function nameClient(tables: Pick<Store, 'clients'>, api: ApiRecord): Promise<ApiRecord> {
  if (api.introspectionClient === null) return api
  const client = await tables.clients.findById(api.introspectionClient)
  return { ...api, introspectionClient: client?.clientId ?? null }
}

async function findClientId(tx: StoreTransaction, clientId: string | null): Promise<string | null> {
  if (clientId === null) return null
  const client = await tx.clients.findByClientId(clientId)
  if (!client) throw notFound('client', clientId)
  return client.id
}
