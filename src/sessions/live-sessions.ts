import type { ClientRecord } from '../store/client-table.ts'
import type { Store } from '../store/store.ts'
import type { MacKeys } from './mac-keys.ts'
import { readRefreshToken } from './refresh-token.ts'

/** Tells who holds a refresh token of a live session: no throttle may stand between the two. */
export class LiveSessions {
  readonly #store: Store
  readonly #macKeys: Pick<MacKeys, 'macKey'>

  constructor(store: Store, macKeys: Pick<MacKeys, 'macKey'>) {
    this.#store = store
    this.#macKeys = macKeys
  }

  /**
   * Whether the token, of whatever generation, is one of a live session of this client. Changes nothing.
   * @throws {StoreUnavailableError} when the database cannot be used.
   */
  async have(refreshToken: string, client: ClientRecord): Promise<boolean> {
    const content = readRefreshToken(refreshToken, this.#macKeys)
    if (!content) return false
    const session = await this.#store.sessions.findByHandle(content.handle)
    if (!session || session.client !== client.id || session.endedAt !== null) return false
    return (await this.#store.now()) < Math.min(session.idleExpiresAt, session.expiresAt)
  }
}
