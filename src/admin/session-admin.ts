import type { ListedSession, SessionFilter, SessionSelection } from '../store/session-table.ts'
import type { Store } from '../store/store.ts'
import { notFound } from './admin-error.ts'
import type { UserAdmin } from './user-admin.ts'

/** No index knows the order of the list (every login would pay for it), so each page reads the table once. */
const pageSize = 5_000

/** Administration of sessions. Every method throws {AdminError} for what cannot be done. */
export class SessionAdmin {
  readonly #store: Store
  readonly #users: UserAdmin

  constructor(store: Store, users: UserAdmin) {
    this.#store = store
    this.#users = users
  }

  /** Newest first, a page at a time. `user` is a name, id or e-mail, `client` a `client_id`. */
  async *list(filter: {
    readonly user?: string
    readonly client?: string
    /** Leaves out those that have ended or expired. */
    readonly active?: boolean
    /** How many at most. */
    readonly limit?: number
  }): AsyncGenerator<ListedSession> {
    const chosen: SessionFilter = {
      ...(filter.user !== undefined && { user: (await this.#users.get(filter.user)).id }),
      ...(filter.client !== undefined && { client: await this.#findClient(filter.client) }),
      ...(filter.active === true && { liveAt: await this.#store.now() }),
    }
    let left = filter.limit ?? Number.POSITIVE_INFINITY
    for (let last: ListedSession | undefined; left > 0; ) {
      const page = await this.#store.sessions.page(chosen, Math.min(left, pageSize), last)
      yield* page
      last = page.at(-1)
      left -= page.length
      if (page.length < pageSize) return
    }
  }

  /** Ends one session by its `sid`, and says how many that were: 0 when it had ended already. */
  async revoke(sid: string): Promise<number> {
    if (!(await this.#store.sessions.findBySid(sid))) throw notFound('session', sid)
    return this.#store.transaction(async (tx) => {
      const ended = await tx.sessions.end({ sid }, 'revoked_by_operator', tx.now)
      if (ended > 0) await tx.record({ type: 'session.revoked', sid, reason: 'revoked_by_operator' })
      return ended
    })
  }

  /** Ends all sessions of a user, by name, id or e-mail, and says how many. */
  async revokeUser(name: string): Promise<number> {
    const { id } = await this.#users.get(name)
    return this.#end({ user: id }, { user: id })
  }

  /** Ends every session and says how many. */
  revokeAll(): Promise<number> {
    return this.#end('all', {})
  }

  #end(which: SessionSelection, subject: { readonly user?: string }): Promise<number> {
    return this.#store.transaction(async (tx) => {
      const count = await tx.sessions.end(which, 'revoked_by_operator', tx.now)
      await tx.record({ type: 'sessions.revoked', reason: 'revoked_by_operator', count, ...subject })
      return count
    })
  }

  async #findClient(clientId: string): Promise<string> {
    const client = await this.#store.clients.findByClientId(clientId)
    if (!client) throw notFound('client', clientId)
    return client.id
  }
}
