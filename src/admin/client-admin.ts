import { createClientSecret } from '../clients/client-secret.ts'
import { hour, second } from '../lib/durations.ts'
import { randomId } from '../lib/ids.ts'
import { quote } from '../lib/quote.ts'
import type { JsonObject } from '../protocol/claims.ts'
import type { GrantType } from '../protocol/grant-types.ts'
import type { ClientRecord, DjangoSettings, UserDataTemplates } from '../store/client-table.ts'
import { DuplicateError } from '../store/errors.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import { AdminError, notFound } from './admin-error.ts'
import {
  checkClaims,
  checkClientId,
  checkCookieName,
  checkLives,
  checkName,
  checkUserData,
  checkUsernameField,
} from './validation.ts'

export { type DrfJwtPackage, drfJwtPackages } from '../clients/django-settings.ts'

/** What may be said of a client; what is left out stays as it is, or takes its default. Lives in milliseconds. */
export interface ClientSettings {
  readonly name?: string
  readonly grants?: readonly GrantType[]
  /** Null: all that its audiences have. */
  readonly scopes?: readonly string[] | null
  /** Null: every API of the installation. */
  readonly audiences?: readonly string[] | null
  readonly claims?: JsonObject
  readonly accessTokenTtl?: number | null
  readonly sessionIdleTtl?: number | null
  readonly sessionTtl?: number | null
  readonly retryWindow?: number | null
  /** What is left out in it stays as it is, too. */
  readonly django?: DjangoSettings
  readonly userData?: UserDataTemplates
}

export interface NewClient {
  readonly client: ClientRecord
  /** Shown once; undefined for a public client. */
  readonly secret: string | undefined
}

/** How long the old secret goes on working after a rotation, unless said otherwise, in milliseconds. */
const defaultOverlap = 24 * hour

/** Administration of clients. Every method throws {AdminError} for what cannot be done. */
export class ClientAdmin {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async create(clientId: string, isPublic: boolean, settings: ClientSettings): Promise<NewClient> {
    checkClientId(clientId)
    try {
      return await this.#store.transaction(async (tx) => {
        const client: ClientRecord = {
          id: randomId('cli'),
          clientId,
          name: clientId,
          public: isPublic,
          grants: [],
          scopes: null,
          audiences: null,
          claims: {},
          accessTokenTtl: null,
          sessionIdleTtl: null,
          sessionTtl: null,
          retryWindow: null,
          django: null,
          userData: null,
          ...settings,
          disabledAt: null,
          tokensVoidUntil: 0,
          createdAt: tx.now,
          updatedAt: tx.now,
        }
        await checkClient(tx, client)
        await tx.clients.insert(client)
        const secret = isPublic ? undefined : createClientSecret(client.id, tx.now)
        if (secret) await tx.clients.insertSecret(secret.record)
        await tx.record({ type: 'client.created', client: clientId })
        tx.changed('clients')
        return { client, secret: secret?.secret }
      })
    } catch (error) {
      if (error instanceof DuplicateError)
        throw new AdminError(`There is a client ${quote(clientId)} already.`)
      throw error
    }
  }

  list(): Promise<readonly ClientRecord[]> {
    return this.#store.clients.list()
  }

  async get(clientId: string): Promise<ClientRecord> {
    const client = await this.#store.clients.findByClientId(clientId)
    if (!client) throw notFound('client', clientId)
    return client
  }

  update(clientId: string, settings: ClientSettings): Promise<ClientRecord> {
    return this.#change(clientId, async (tx, client) => {
      const django = settings.django ? { ...client.django, ...settings.django } : client.django
      const userData = settings.userData ? { ...client.userData, ...settings.userData } : client.userData
      const updated = { ...client, ...settings, django, userData, updatedAt: tx.now }
      await checkClient(tx, updated)
      await tx.record({ type: 'client.updated', client: clientId })
      return updated
    })
  }

  /** Ends the client's sessions and revokes its access tokens. */
  disable(clientId: string): Promise<ClientRecord> {
    return this.#change(clientId, async (tx, client) => {
      if (client.disabledAt !== null) return client
      await endSessions(tx, client, 'client_disabled')
      await tx.record({ type: 'client.disabled', client: clientId })
      return { ...client, disabledAt: tx.now, tokensVoidUntil: tx.now, updatedAt: tx.now }
    })
  }

  enable(clientId: string): Promise<ClientRecord> {
    return this.#change(clientId, async (tx, client) => {
      if (client.disabledAt === null) return client
      await tx.record({ type: 'client.enabled', client: clientId })
      // Another process may have issued a token before it heard of the end: that one stays void too.
      const thisSecond = tx.now - (tx.now % second)
      const tokensVoidUntil = Math.max(client.tokensVoidUntil, thisSecond)
      return { ...client, disabledAt: null, tokensVoidUntil, updatedAt: tx.now }
    })
  }

  /**
   * Makes a new secret. The newest of the old ones works on for `overlap` milliseconds, any other ends now, so that
   * two are valid at most.
   * @returns the new secret, shown once.
   */
  async rotateSecret(clientId: string, overlap: number = defaultOverlap): Promise<string> {
    let secret = ''
    await this.#change(clientId, async (tx, client) => {
      if (client.public) throw new AdminError(`The client ${quote(clientId)} is public: it has no secret.`)
      for (const { id, expiresAt } of await tx.clients.listSecrets(client.id)) {
        // The newest is the one that was given no end. Its time says less: clocks stand still and go back.
        if (expiresAt === null && overlap > 0) await tx.clients.expireSecret(id, tx.now + overlap)
        else await tx.clients.deleteSecret(id)
      }
      const created = createClientSecret(client.id, tx.now)
      await tx.clients.insertSecret(created.record)
      await tx.record({ type: 'client.secret_rotated', client: clientId })
      secret = created.secret
      return client
    })
    return secret
  }

  /** Ends the client's sessions and revokes its access tokens. A client that takes the name later is another one. */
  async delete(clientId: string): Promise<void> {
    await this.#store.transaction(async (tx) => {
      const client = await tx.clients.findByClientId(clientId)
      if (!client) throw notFound('client', clientId)
      await endSessions(tx, client, 'client_deleted')
      await tx.clients.delete(client.id)
      await tx.record({ type: 'client.deleted', client: clientId })
      tx.changed('clients')
      tx.changed('apis')
    })
  }

  #change(
    clientId: string,
    change: (tx: StoreTransaction, client: ClientRecord) => Promise<ClientRecord>,
  ): Promise<ClientRecord> {
    return this.#store.transaction(async (tx) => {
      const client = await tx.clients.findByClientId(clientId)
      if (!client) throw notFound('client', clientId)
      const changed = await change(tx, client)
      await tx.clients.update(changed)
      tx.changed('clients')
      return changed
    })
  }
}

/** And revokes the tokens of the client itself, which have no session. */
async function endSessions(
  tx: StoreTransaction,
  client: ClientRecord,
  reason: 'client_disabled' | 'client_deleted',
): Promise<void> {
  const count = await tx.sessions.end({ client: client.id }, reason, tx.now)
  await tx.status.revokeBlocks(client.id)
  if (count > 0) await tx.record({ type: 'sessions.revoked', reason, count, client: client.clientId })
}

async function checkClient(tx: StoreTransaction, client: ClientRecord): Promise<void> {
  checkName(client.name)
  checkClaims(client.claims)
  checkLives(client)
  checkUsernameField(client.django?.usernameField)
  checkCookieName(client.django?.authCookie)
  checkUserData(client.userData)
  // RFC 6749 §4.4: whoever has nothing to prove itself with cannot act for itself.
  if (client.public && client.grants.includes('client_credentials')) {
    throw new AdminError('A public client cannot use client_credentials: it has no credentials.')
  }
  const apis = await tx.apis.list()
  for (const audience of client.audiences ?? []) {
    if (!apis.some((api) => api.audience === audience)) {
      throw new AdminError(
        `There is no API ${quote(audience)}: create it first with \`mintage api create\`, or see \`mintage api list\`.`,
      )
    }
  }
  if (apis.length === 0) return
  const open = client.audiences ? apis.filter((api) => client.audiences?.includes(api.audience)) : apis
  const known = new Set(open.flatMap((api) => api.scopes))
  const unknown = (client.scopes ?? []).filter((scope) => !known.has(scope))
  if (unknown.length > 0) {
    throw new AdminError(
      `No API of the client has the scope ${quote(unknown.join(' '))}; they have: ${[...known].join(' ') || 'none'}.`,
    )
  }
}
