import { randomId } from '../lib/ids.ts'
import type { ClaimsPreset, TokenTyp } from '../protocol/claims.ts'
import type { ApiRecord } from '../store/api-table.ts'
import { isDuplicate } from '../store/errors.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { AdminError, notFound } from './admin-error.ts'
import { checkAudience, checkTokenTtl } from './validation.ts'

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

/** Administration of APIs. Every method throws {AdminError} for what cannot be done. */
export class ApiAdmin {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async create(audience: string, settings: ApiSettings): Promise<ApiRecord> {
    checkAudience(audience)
    checkTokenTtl(settings.accessTokenTtl)
    try {
      return await this.#store.transaction(async (tx) => {
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
        tx.changed('apis')
        return api
      })
    } catch (error) {
      if (isDuplicate(error)) throw new AdminError(`There is an API ${JSON.stringify(audience)} already.`)
      throw error
    }
  }

  list(): Promise<readonly ApiRecord[]> {
    return this.#store.apis.list()
  }

  async get(audience: string): Promise<ApiRecord> {
    const api = await this.#store.apis.find(audience)
    if (!api) throw notFound('API', audience)
    return api
  }

  async update(audience: string, settings: ApiSettings): Promise<ApiRecord> {
    checkTokenTtl(settings.accessTokenTtl)
    return this.#store.transaction(async (tx) => {
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
      tx.changed('apis')
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
}

async function findClientId(tx: StoreTransaction, clientId: string | null): Promise<string | null> {
  if (clientId === null) return null
  const client = await tx.clients.findByClientId(clientId)
  if (!client) throw notFound('client', clientId)
  return client.id
}
