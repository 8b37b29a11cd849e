import type { SessionRecord } from '../store/session-table.ts'

/** Whether a session has neither ended nor expired at `now`, in milliseconds since the epoch. */
export function isLive(session: SessionRecord, now: number): boolean {
  return session.endedAt === null && now < session.idleExpiresAt && now < session.expiresAt
}
