import type { SessionRecord } from '../store/session-table.ts'
import type { StatusReference } from '../store/status-change.ts'
import type { StoreTransaction } from '../store/store.ts'

/** What a session begins by, in place of a login. */
export interface SessionOrigin {
  /** What the request that it began by may be repeated by. */
  readonly retryKey: string | null
  /** Until when the session may idle at least, in milliseconds since the epoch. */
  readonly idleUntil?: number
  /** Takes what it begins by, in the transaction that starts it. @throws what keeps it from starting. */
  take(tx: StoreTransaction, session: SessionRecord): Promise<void>
}

/** An access token of a session, shown in place of a refresh token. */
export interface ShownToken {
  readonly sid: string
  /** Where its status is told. */
  readonly place: StatusReference | undefined
}
