import type { Event } from '../../src/events/event.ts'
import type { Decide } from '../../src/store/redeemer.ts'
import type { SessionRecord } from '../../src/store/session-table.ts'

/** What the decisions of these suites answer: the generation that they made, or why they made none. */
export type Stepped = number | 'unknown' | 'ended'

export function stepped(session: SessionRecord): Event {
  return {
    type: 'session.refreshed',
    sid: session.sid,
    client: session.client,
    generation: session.generation + 1,
    outcome: 'rotated',
  }
}

/** A decision that steps the generation of a session that has not ended. */
export const step: Decide<Stepped> = (redeemable, now) => {
  if (!redeemable) return { outcome: 'unknown' }
  const { session } = redeemable
  if (session.endedAt !== null) return { outcome: 'ended' }
  return {
    outcome: session.generation + 1,
    write: {
      kind: 'rotate',
      generation: session.generation + 1,
      macKey: 7,
      rotatedAt: now,
      retryKey: 'key',
      attempt: `attempt-${session.generation}`,
      idleExpiresAt: now + 1_000,
    },
    events: [stepped(session)],
  }
}

/** A decision that ends the session for reuse, and says so. */
export const endForReuse: Decide<'reused'> = (redeemable, now) => ({
  outcome: 'reused',
  write: { kind: 'end', reason: 'reuse', at: now },
  events: [
    {
      type: 'session.reused',
      sid: redeemable?.session.sid ?? '',
      client: 'service',
      presented: 0,
      generation: redeemable?.session.generation ?? 0,
    },
  ],
})
