/**
 * What happened, as a plain value. One business event is one log line; those that change trust are audit rows too.
 * No event ever holds a token, password, secret or header.
 */
export type Event =
  | {
      readonly type: 'token.issued'
      readonly grant: string
      readonly client: string
      readonly jti: string
      readonly sid?: string
    }
  | { readonly type: 'session.started'; readonly sid: string; readonly client: string; readonly user: string }
  | {
      readonly type: 'session.refreshed'
      readonly sid: string
      readonly client: string
      readonly generation: number
      readonly outcome: 'rotated' | 'retried'
    }
  | {
      readonly type: 'session.adopted'
      readonly sid: string
      readonly client: string
      readonly from: number
      readonly to: number
    }
  | {
      readonly type: 'session.reused'
      readonly sid: string
      readonly client: string
      readonly presented: number
      readonly generation: number
    }
  | {
      readonly type: 'session.foreign_client'
      readonly sid: string
      readonly client: string
      readonly presentedBy: string
    }
  | { readonly type: 'session.revoked'; readonly sid: string; readonly reason: SessionEnd }
  | {
      readonly type: 'sessions.revoked'
      readonly reason: SessionEnd
      readonly count: number
      readonly user?: string
      readonly client?: string
    }
  | { readonly type: 'access_token.revoked'; readonly jti: string; readonly client: string }
  | { readonly type: 'login.succeeded'; readonly user: string; readonly client: string }
  | {
      readonly type: 'login.failed'
      readonly reason: 'unknown' | 'password' | 'disabled'
      readonly client: string
      readonly user?: string
    }
  | {
      readonly type: 'client.authentication_failed'
      readonly reason: 'unknown' | 'secret' | 'disabled' | 'method'
      readonly client?: string
    }
  | {
      readonly type:
        | 'client.created'
        | 'client.updated'
        | 'client.disabled'
        | 'client.enabled'
        | 'client.secret_rotated'
        | 'client.deleted'
      readonly client: string
    }
  | {
      readonly type:
        | 'user.created'
        | 'user.updated'
        | 'user.disabled'
        | 'user.enabled'
        | 'user.password_set'
        | 'user.password_upgraded'
        | 'user.deleted'
      readonly user: string
    }
  | { readonly type: 'api.created' | 'api.updated' | 'api.deleted'; readonly audience: string }
  | { readonly type: 'key.created' | 'key.activated' | 'key.withdrawn' | 'key.revoked'; readonly kid: string }
  | { readonly type: 'mac_key.created' | 'mac_key.withdrawn' | 'mac_key.revoked'; readonly id: number }
  | { readonly type: 'audit_key.rotated'; readonly id: number }
  | { readonly type: 'audit.pruned'; readonly before: number; readonly sequence: number }
  | {
      readonly type: 'database.recovered'
      readonly way: 'end_sessions' | 'accept_resurrection'
      /** The epoch that begins, and those that it takes the place of. */
      readonly epoch: string
      readonly from: readonly string[]
      /** Where the audit trail of the old database ended, and how far this node had seen it go; null: it knew nothing. */
      readonly sequence: number
      readonly mark: number | null
    }

/** Why a session ended before its time. */
export type SessionEnd =
  | 'reuse'
  | 'revoked_by_client'
  | 'revoked_by_operator'
  | 'user_disabled'
  | 'user_deleted'
  | 'password_changed'
  | 'client_disabled'
  | 'client_deleted'
  | 'keys_revoked'
  | 'database_recovered'

export type EventType = Event['type']

/** Takes an event after the transaction that caused it has been committed. */
export type EventSink = (event: Event) => void

/** A token issued or refreshed is a log line and a counter; everything else changes trust, and is a row. */
const withoutAuditRow: ReadonlySet<EventType> = new Set([
  'token.issued',
  'session.refreshed',
  'user.password_upgraded',
  // A stranger could write a row with every request.
  'client.authentication_failed',
])

/** Whether the event is written to the audit table, in the transaction that caused it. */
export function isAudited(event: Event): boolean {
  return !withoutAuditRow.has(event.type)
}
