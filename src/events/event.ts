/**
 * What happened, as a plain value. One business event is one log line; those that change trust are audit rows too.
 * No event ever holds a token, password, secret or header.
 */
export type Event =
  | {
      /** An access token was issued. */
      readonly type: 'token.issued'
      readonly grant: string
      readonly client: string
      readonly jti: string
      readonly sid?: string
    }
  | {
      /** A session began with a login, or took the place of one at the issuer before this one. */
      readonly type: 'session.started'
      readonly sid: string
      readonly client: string
      readonly user: string
      readonly by?: 'foreign_token'
    }
  | {
      /**
       * A refresh token was redeemed; retried: the answer to an earlier attempt was asked for again; kept: of a client
       * whose refresh tokens stay the same.
       */
      readonly type: 'session.refreshed'
      readonly sid: string
      readonly client: string
      readonly generation: number
      readonly outcome: 'rotated' | 'retried' | 'kept'
    }
  | {
      /** A refresh token was newer than its session: the database has lost commits. */
      readonly type: 'session.adopted'
      readonly sid: string
      readonly client: string
      readonly from: number
      readonly to: number
    }
  | {
      /** A refresh token was presented outside of the rules, so the session was ended. */
      readonly type: 'session.reused'
      readonly sid: string
      readonly client: string
      readonly presented: number
      readonly generation: number
    }
  | {
      /** A refresh token was presented by another client than the one of its session. */
      readonly type: 'session.foreign_client'
      readonly sid: string
      readonly client: string
      readonly presentedBy: string
    }
  | {
      /** One session was ended. */
      readonly type: 'session.revoked'
      readonly sid: string
      readonly reason: SessionEnd
    }
  | {
      /** All sessions of a user, of a client or of the installation were ended. */
      readonly type: 'sessions.revoked'
      readonly reason: SessionEnd
      readonly count: number
      readonly user?: string
      readonly client?: string
    }
  | {
      /** One access token was revoked. */
      readonly type: 'access_token.revoked'
      readonly jti: string
      readonly client: string
    }
  | {
      /** A user proved who they are by a password. */
      readonly type: 'login.succeeded'
      readonly user: string
      readonly client: string
    }
  | {
      /**
       * A login was refused; the user is told only where the account exists. Of many in a minute some rows tell how many
       * they stand for.
       */
      readonly type: 'login.failed'
      readonly reason: 'unknown' | 'password' | 'disabled'
      readonly client?: string
      readonly user?: string
      /** How many attempts the row stands for. */
      readonly count?: number
      /** Milliseconds since the epoch. */
      readonly firstAt?: number
      /** Milliseconds since the epoch. */
      readonly lastAt?: number
      /** How many different names were tried, as far as they were told apart. */
      readonly names?: number
    }
  | {
      /**
       * A client could not prove who it is; it is told only where it is registered. Of many in a minute some rows tell how many
       * they stand for.
       */
      readonly type: 'client.authentication_failed'
      readonly reason: 'unknown' | 'secret' | 'disabled' | 'method'
      readonly client?: string
      /** How many attempts the row stands for. */
      readonly count?: number
      /** Milliseconds since the epoch. */
      readonly firstAt?: number
      /** Milliseconds since the epoch. */
      readonly lastAt?: number
      /** How many different names were tried, as far as they were told apart. */
      readonly names?: number
    }
  | {
      /**
       * So many logins failed, or were tried, for one name or from one network that more are refused until then. The
       * user is told only where the account exists.
       */
      readonly type: 'login.throttled'
      readonly by: ThrottledBy
      /** Milliseconds since the epoch. */
      readonly until: number
      readonly user?: string
      readonly network?: string
    }
  | {
      /** The same for the secret of a client, which is told only where it is registered. */
      readonly type: 'client.throttled'
      readonly by: ThrottledBy
      /** Milliseconds since the epoch. */
      readonly until: number
      readonly client?: string
      readonly network?: string
    }
  | {
      /** An operator had failures forgotten: those about a user or a client, those from a network, or all. */
      readonly type: 'throttle.cleared'
      readonly user?: string
      readonly client?: string
      readonly network?: string
    }
  | {
      /** A client was registered or changed. Disabling and deleting it end its sessions. */
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
      /**
       * A user was registered or changed. A new password, disabling and deleting end their sessions; an upgraded hash
       * is one of the same password in the format and cost of today.
       */
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
  | {
      /** An API was registered or changed. */
      readonly type: 'api.created' | 'api.updated' | 'api.deleted'
      readonly audience: string
    }
  | {
      /** A signing key was published, began to sign, is published no more, or was withdrawn in an emergency. */
      readonly type: 'key.created' | 'key.activated' | 'key.withdrawn' | 'key.revoked'
      readonly kid: string
    }
  | {
      /** A MAC key of refresh tokens was made, was forgotten in time, or was withdrawn in an emergency. */
      readonly type: 'mac_key.created' | 'mac_key.withdrawn' | 'mac_key.revoked'
      readonly id: number
    }
  | {
      /** The audit trail is sealed with a new key from now on. */
      readonly type: 'audit_key.rotated'
      readonly id: number
    }
  | {
      /** The private keys lie under another vault key in the database; the count is of those that were sealed anew. */
      readonly type: 'vault.resealed'
      readonly vaultKey: string
      readonly count: number
    }
  | {
      /** The private keys were moved into the database or out of it. */
      readonly type: 'vault.moved'
      readonly to: 'database' | 'directory'
      readonly count: number
    }
  | {
      /** The vault key was lost, and so many private keys with it. */
      readonly type: 'vault.lost'
      readonly count: number
    }
  | {
      /** Audit rows older than `before` were deleted, up to that place of the chain. */
      readonly type: 'audit.pruned'
      /** Milliseconds since the epoch. */
      readonly before: number
      readonly sequence: number
    }
  | {
      /** An operator went on with a database that was taken back in time. */
      readonly type: 'database.recovered'
      readonly way: 'end_sessions' | 'accept_resurrection'
      /** The epoch that begins. */
      readonly epoch: string
      /** The epochs that it takes the place of. */
      readonly from: readonly string[]
      /** Where the audit trail of the old database ended. */
      readonly sequence: number
      /** How far this node had seen it go; null when it had no mark. */
      readonly mark: number | null
    }

/** What was counted: failures for a name, failures from a network, or attempts of any kind. */
export type ThrottledBy = 'name' | 'network' | 'requests'

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
  | 'revocation_lost'

export type EventType = Event['type']

/** Takes an event after the transaction that caused it has been committed. */
export type EventSink = (event: Event) => void

/** A token issued or refreshed is a log line and a counter; everything else changes trust, and is a row. */
const withoutAuditRow: ReadonlySet<EventType> = new Set([
  'token.issued',
  'session.refreshed',
  'user.password_upgraded',
])

/** Whether the event is written to the audit table, in the transaction that caused it. */
export function isAudited({ type }: Pick<Event, 'type'>): boolean {
  return !withoutAuditRow.has(type)
}
