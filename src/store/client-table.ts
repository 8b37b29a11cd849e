import type { Knex } from 'knex'
import type { JsonObject } from '../protocol/claims.ts'
import type { GrantType } from '../protocol/grant-types.ts'

/** What the Django wire formats do otherwise for a client; what is left out has its default. */
export interface DjangoSettings {
  /** SimpleJWT's sliding tokens in place of a pair. */
  readonly slidingTokens?: boolean
  /** `ROTATE_REFRESH_TOKENS`. */
  readonly rotateRefreshTokens?: boolean
  /** `BLACKLIST_AFTER_ROTATION`. */
  readonly blacklistAfterRotation?: boolean
  /** The field that holds the user name in a login: `USERNAME_FIELD` of the project's user model. */
  readonly usernameField?: string
  /** Which of the two packages of djangorestframework-jwt's name the client was written for. */
  readonly drfJwtPackage?: DrfJwtPackage
  /** `JWT_AUTH_COOKIE`: the name of a cookie that djangorestframework-jwt's answers set besides. */
  readonly authCookie?: string
}

/** The package that was given up in 2017, and its fork, which answers 201 and words its errors otherwise. */
export const drfJwtPackages = ['djangorestframework-jwt', 'drf-jwt'] as const
export type DrfJwtPackage = (typeof drfJwtPackages)[number]

/** What of a user joins a client's answers and tokens, as templates. */
export interface UserDataTemplates {
  readonly answer?: JsonObject
  readonly token?: JsonObject
}

/** A registered client. Times and lives are in milliseconds. */
export interface ClientRecord {
  /** Random, never used again; what sessions and tokens refer to. */
  readonly id: string
  /** The `client_id` of RFC 6749 §2.2. */
  readonly clientId: string
  readonly name: string
  readonly public: boolean
  readonly grants: readonly GrantType[]
  /** Null: every scope of its audiences. */
  readonly scopes: readonly string[] | null
  /** Null: every API of the installation. */
  readonly audiences: readonly string[] | null
  readonly claims: JsonObject
  /** Null: the API's, or the installation's. */
  readonly accessTokenTtl: number | null
  readonly sessionIdleTtl: number | null
  readonly sessionTtl: number | null
  readonly retryWindow: number | null
  /** Null: the defaults. */
  readonly django: DjangoSettings | null
  /** Null: nothing joins. */
  readonly userData: UserDataTemplates | null
  readonly disabledAt: number | null
  /** Access tokens issued up to this moment are void: the client was disabled then. */
  readonly tokensVoidUntil: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** A client secret, kept as the digest of 256 random bits. */
export interface ClientSecretRecord {
  readonly id: string
  readonly client: string
  readonly digest: string
  readonly createdAt: number
  /** Null: until it is replaced. */
  readonly expiresAt: number | null
}

interface ClientRow {
  id: string
  client_id: string
  name: string
  public: number
  grants: string
  scopes: string | null
  audiences: string | null
  claims: string
  access_token_ttl: number | null
  session_idle_ttl: number | null
  session_ttl: number | null
  retry_window: number | null
  django: string | null
  user_data: string | null
  disabled_at: number | null
  tokens_void_until: number
  created_at: number
  updated_at: number
}

interface ClientSecretRow {
  id: string
  client: string
  digest: string
  created_at: number
  expires_at: number | null
}

/** The tables `clients` and `client_secrets`. */
export class ClientTable {
  readonly #query: Knex

  constructor(query: Knex) {
    this.#query = query
  }

  async insert(client: ClientRecord): Promise<void> {
    await this.#query('clients').insert(toRow(client))
  }

  async update(client: ClientRecord): Promise<void> {
    await this.#query('clients').where({ id: client.id }).update(toRow(client))
  }

  async delete(id: string): Promise<void> {
    await this.#query('clients').where({ id }).delete()
  }

  async findByClientId(clientId: string): Promise<ClientRecord | undefined> {
    const row = await this.#query<ClientRow>('clients').where({ client_id: clientId }).first()
    return row && toRecord(row)
  }

  async findById(id: string): Promise<ClientRecord | undefined> {
    const row = await this.#query<ClientRow>('clients').where({ id }).first()
    return row && toRecord(row)
  }

  async list(): Promise<readonly ClientRecord[]> {
    const rows = await this.#query<ClientRow>('clients').orderBy('client_id')
    return rows.map(toRecord)
  }

  async insertSecret(secret: ClientSecretRecord): Promise<void> {
    await this.#query('client_secrets').insert({
      id: secret.id,
      client: secret.client,
      digest: secret.digest,
      created_at: secret.createdAt,
      expires_at: secret.expiresAt,
    })
  }

  /** In no order; expired ones too. */
  async listSecrets(client: string): Promise<readonly ClientSecretRecord[]> {
    const rows = await this.#query<ClientSecretRow>('client_secrets').where({ client })
    return rows.map((row) => ({
      id: row.id,
      client: row.client,
      digest: row.digest,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
    }))
  }

  async expireSecret(id: string, expiresAt: number): Promise<void> {
    await this.#query('client_secrets').where({ id }).update({ expires_at: expiresAt })
  }

  async deleteSecret(id: string): Promise<void> {
    await this.#query('client_secrets').where({ id }).delete()
  }
}

function toRecord(row: ClientRow): ClientRecord {
  return {
    id: row.id,
    clientId: row.client_id,
    name: row.name,
    public: row.public === 1,
    grants: JSON.parse(row.grants),
    scopes: row.scopes === null ? null : JSON.parse(row.scopes),
    audiences: row.audiences === null ? null : JSON.parse(row.audiences),
    claims: JSON.parse(row.claims),
    accessTokenTtl: row.access_token_ttl,
    sessionIdleTtl: row.session_idle_ttl,
    sessionTtl: row.session_ttl,
    retryWindow: row.retry_window,
    django: row.django === null ? null : JSON.parse(row.django),
    userData: row.user_data === null ? null : JSON.parse(row.user_data),
    disabledAt: row.disabled_at,
    tokensVoidUntil: row.tokens_void_until,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function toRow(client: ClientRecord): ClientRow {
  return {
    id: client.id,
    client_id: client.clientId,
    name: client.name,
    public: client.public ? 1 : 0,
    grants: JSON.stringify(client.grants),
    scopes: client.scopes === null ? null : JSON.stringify(client.scopes),
    audiences: client.audiences === null ? null : JSON.stringify(client.audiences),
    claims: JSON.stringify(client.claims),
    access_token_ttl: client.accessTokenTtl,
    session_idle_ttl: client.sessionIdleTtl,
    session_ttl: client.sessionTtl,
    retry_window: client.retryWindow,
    django: client.django === null ? null : JSON.stringify(client.django),
    user_data: client.userData === null ? null : JSON.stringify(client.userData),
    disabled_at: client.disabledAt,
    tokens_void_until: client.tokensVoidUntil,
    created_at: client.createdAt,
    updated_at: client.updatedAt,
  }
}
