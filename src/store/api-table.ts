import type { Knex } from 'knex'
import type { ClaimsPreset, TokenTyp } from '../protocol/claims.ts'

/** A resource server, known by its audience. Times and lives are in milliseconds. */
export interface ApiRecord {
  readonly id: string
  readonly audience: string
  readonly scopes: readonly string[]
  /** Null: the installation's. */
  readonly accessTokenTtl: number | null
  readonly typ: TokenTyp
  readonly claimsPreset: ClaimsPreset
  /** The id of the client that may introspect this API's tokens. */
  readonly introspectionClient: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

interface ApiRow {
  id: string
  audience: string
  scopes: string
  access_token_ttl: number | null
  typ: TokenTyp
  claims_preset: ClaimsPreset
  introspection_client: string | null
  created_at: number
  updated_at: number
}

/** The table `apis`. */
export class ApiTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  async insert(api: ApiRecord): Promise<void> {
    await this.#query('apis').insert(toRow(api))
  }

  async update(api: ApiRecord): Promise<void> {
    await this.#query('apis').where({ id: api.id }).update(toRow(api))
  }

  async delete(id: string): Promise<void> {
    await this.#query('apis').where({ id }).delete()
  }

  async find(audience: string): Promise<ApiRecord | undefined> {
    const row = await this.#query<ApiRow>('apis').where({ audience }).first()
    return row && toRecord(row)
  }

  /** Oldest first, so that a default drawn from the list stays what it is when another API is added. */
  async list(): Promise<readonly ApiRecord[]> {
    const rows = await this.#query<ApiRow>('apis').orderBy(['created_at', 'id'])
    return rows.map(toRecord)
  }
}

function toRecord(row: ApiRow): ApiRecord {
  return {
    id: row.id,
    audience: row.audience,
    scopes: JSON.parse(row.scopes),
    accessTokenTtl: row.access_token_ttl,
    typ: row.typ,
    claimsPreset: row.claims_preset,
    introspectionClient: row.introspection_client,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function toRow(api: ApiRecord): ApiRow {
  return {
    id: api.id,
    audience: api.audience,
    scopes: JSON.stringify(api.scopes),
    access_token_ttl: api.accessTokenTtl,
    typ: api.typ,
    claims_preset: api.claimsPreset,
    introspection_client: api.introspectionClient,
    created_at: api.createdAt,
    updated_at: api.updatedAt,
  }
}
