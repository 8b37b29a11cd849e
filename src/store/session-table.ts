import type { Knex } from 'knex'
import type { SessionEnd } from '../events/event.ts'
import type { ForeignTokenTable } from './foreign-token-table.ts'
import { readRow } from './single-read.ts'
import type { StatusReference } from './status-change.ts'
import { type StatusLog, split } from './status-log.ts'
import { type StatusTable, sessionsOwner, toReference } from './status-table.ts'
import { deleteUnlocked } from './unlocked.ts'

/**
 * One authorization and its single line of refresh tokens. Refreshing changes the row and never adds one.
 * Times are milliseconds since the epoch, by the database's clock.
 */
export interface SessionRecord {
  /** 128 random bits in base64url: what the refresh token names. Never shown in an access token. */
  readonly handle: string
  /** What access tokens show. */
  readonly sid: string
  /** The id of the client. */
  readonly client: string
  /** The id of the user. */
  readonly user: string
  readonly scope: string
  readonly audience: string
  /** How often the line was refreshed; the generation of the one token that may still be redeemed. */
  readonly generation: number
  /** The MAC key of that generation's token, so that a retry yields the same string after the key has rotated. */
  readonly macKey: number
  readonly rotatedAt: number
  /** The digest of the `Idempotency-Key` of the last rotation; null when it had none. */
  readonly retryKey: string | null
  /** Which attempt of the issuer made the last rotation. */
  readonly attempt: string | null
  readonly createdAt: number
  readonly idleExpiresAt: number
  readonly expiresAt: number
  readonly endedAt: number | null
  readonly endReason: SessionEnd | null
  /** The place that its access tokens share; undefined when it was started before there were status lists. */
  readonly status?: StatusReference | undefined
}

export interface SessionRow {
  handle: string
  sid: string
  client: string
  user: string
  scope: string
  audience: string
  generation: number
  mac_key: number
  rotated_at: number
  retry_key: string | null
  attempt: string | null
  created_at: number
  idle_expires_at: number
  expires_at: number
  ended_at: number | null
  end_reason: SessionEnd | null
  status_list: string | null
  status_index: number | null
}

/** A session and the names of those whose it is; null once they are deleted. */
export interface ListedSession extends SessionRecord {
  readonly clientId: string | null
  readonly username: string | null
}

/** Which sessions: one by its id, all of a user, all of a client, or every one. */
export type SessionSelection =
  | { readonly sid: string }
  | { readonly user: string }
  | { readonly client: string }
  | 'all'

/** Which sessions to list: by the ids of user and client, and only those that live at a moment. */
export interface SessionFilter {
  readonly user?: string
  readonly client?: string
  /** Milliseconds since the epoch. */
  readonly liveAt?: number
}

/** How much one step of a clean-up does at most: rows that it looks at, and rows that it deletes. */
export interface SweepStep {
  readonly rows: number
  readonly most: number
}

/** What a step of a clean-up did. */
export interface Swept {
  readonly deleted: number
  /** Where the next step begins; undefined at the end of the table. */
  readonly next: string | undefined
}

/** The table `sessions`. Redeeming has a way of its own, see `redeemer.ts`. */
export class SessionTable {
  readonly #query: Knex
  readonly #log: StatusLog
  readonly #status: StatusTable
  readonly #foreign: ForeignTokenTable

  constructor(query: Knex, log: StatusLog, status: StatusTable, foreign: ForeignTokenTable) {
    this.#query = query
    this.#log = log
    this.#status = status
    this.#foreign = foreign
  }

  async insert(session: SessionRecord): Promise<void> {
    await this.#query('sessions').insert(toRow(session))
  }

  async findBySid(sid: string): Promise<SessionRecord | undefined> {
    const row = await readRow<SessionRow>(this.#query, 'SELECT * FROM sessions WHERE sid = ?', [sid])
    return row && toSessionRecord(row)
  }

  async findByHandle(handle: string): Promise<SessionRecord | undefined> {
    const row = await readRow<SessionRow>(this.#query, 'SELECT * FROM sessions WHERE handle = ?', [handle])
    return row && toSessionRecord(row)
  }

  /**
   * Ends the chosen sessions that have not ended yet and revokes their access tokens; says how many those were. All of a
   * user are ended with what could still become one: the refresh tokens that the user came with.
   */
  async end(which: SessionSelection, reason: SessionEnd, now: number): Promise<number> {
    if (which === 'all' || 'user' in which) await this.#foreign.end(which, now)
    const rows = this.#query<SessionRow>('sessions').whereNull('ended_at')
    const ending = { ended_at: now, end_reason: reason }
    if (which === 'all') {
      await this.#status.revokeBlocks(sessionsOwner)
      return rows.update(ending)
    }
    const ended = await rows.where(which).update(ending).returning(['status_list', 'status_index'])
    await this.#log.flag(ended.map(toReference).filter((place) => place !== undefined))
    return ended.length
  }

  /** Ends the live sessions whose access tokens get one of these places, which are revoked; says how many those were. */
  async endAt(places: readonly StatusReference[], reason: SessionEnd, now: number): Promise<number> {
    let ended = 0
    for (const list of new Set(places.map((place) => place.list))) {
      const indexes = places.filter((place) => place.list === list).map(({ index }) => index)
      for (const part of split(indexes)) {
        ended += await this.#query('sessions')
          .where({ status_list: list })
          .whereIn('status_index', part)
          .whereNull('ended_at')
          .update({ ended_at: now, end_reason: reason })
      }
    }
    return ended
  }

  /**
   * Gives a live session's coming access tokens another place, and revokes those of the one before.
   * @returns false, having changed nothing, when that is not its place any more, or it has ended.
   */
  async moveStatus(sid: string, from: StatusReference, to: StatusReference): Promise<boolean> {
    const moved = await this.#query('sessions')
      .where({ sid, status_list: from.list, status_index: from.index })
      .whereNull('ended_at')
      .update({ status_list: to.list, status_index: to.index })
    if (moved !== 1) return false
    await this.#log.flag([from])
    return true
  }

  /** Newest first, `limit` at most, those that come after the session `after`. */
  async page(
    filter: SessionFilter,
    limit: number,
    after?: Pick<SessionRecord, 'createdAt' | 'handle'>,
  ): Promise<readonly ListedSession[]> {
    const rows = this.#query('sessions as s')
      .leftJoin('clients as c', 'c.id', 's.client')
      .leftJoin('users as u', 'u.id', 's.user')
    if (filter.user !== undefined) rows.where('s.user', filter.user)
    if (filter.client !== undefined) rows.where('s.client', filter.client)
    if (filter.liveAt !== undefined) {
      rows.whereNull('s.ended_at')
      rows.where('s.idle_expires_at', '>', filter.liveAt).where('s.expires_at', '>', filter.liveAt)
    }
    if (after) {
      rows.where((row) =>
        row
          .where('s.created_at', '<', after.createdAt)
          .orWhere((same) =>
            same.where('s.created_at', after.createdAt).where('s.handle', '>', after.handle),
          ),
      )
    }
    const found = await rows
      .orderBy([{ column: 's.created_at', order: 'desc' }, { column: 's.handle' }])
      .limit(limit)
      .select('s.*', 'c.client_id', 'u.username')
    return found.map((row) => ({ ...toSessionRecord(row), clientId: row.client_id, username: row.username }))
  }

  /**
   * Looks at the rows that follow `after` and deletes those that ended or expired before `before`, `most` at most. Walking
   * the table in small steps needs no index, which every refresh would have to pay for. On SQLite it goes by the rows'
   * numbers, in which neighbours share a page, as random handles do not.
   */
  async deleteExpired(after: string, { rows, most }: SweepStep, before: number): Promise<Swept> {
    const isSqlite = this.#query.client.dialect === 'sqlite3'
    const key = isSqlite ? 'rowid' : 'handle'
    const following = () => this.#query('sessions').where(key, '>', isSqlite ? Number(after) : after)
    const last = await following()
      .orderBy(key)
      .offset(rows - 1)
      .first(key)
    const range = following().orderBy(key).limit(most)
    if (last) range.where(key, '<=', last[key])
    const expired = await range
      .where((row) =>
        row
          .where('ended_at', '<', before)
          .orWhere('idle_expires_at', '<', before)
          .orWhere('expires_at', '<', before),
      )
      .pluck(key)
    const chosen = this.#query('sessions').whereIn(key, expired)
    const deleted = expired.length > 0 ? await deleteUnlocked(this.#query, 'sessions', key, chosen) : 0
    const next: string | number | undefined = expired.length === most ? expired.at(-1) : last?.[key]
    return { deleted, next: next === undefined ? undefined : String(next) }
  }
}

export function toSessionRecord(row: SessionRow): SessionRecord {
  const place = toReference(row)
  return {
    handle: row.handle,
    sid: row.sid,
    client: row.client,
    user: row.user,
    scope: row.scope,
    audience: row.audience,
    generation: row.generation,
    macKey: row.mac_key,
    rotatedAt: row.rotated_at,
    retryKey: row.retry_key,
    attempt: row.attempt,
    createdAt: row.created_at,
    idleExpiresAt: row.idle_expires_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
    endReason: row.end_reason,
    ...(place && { status: place }),
  }
}

function toRow(session: SessionRecord): SessionRow {
  return {
    handle: session.handle,
    sid: session.sid,
    client: session.client,
    user: session.user,
    scope: session.scope,
    audience: session.audience,
    generation: session.generation,
    mac_key: session.macKey,
    rotated_at: session.rotatedAt,
    retry_key: session.retryKey,
    attempt: session.attempt,
    created_at: session.createdAt,
    idle_expires_at: session.idleExpiresAt,
    expires_at: session.expiresAt,
    ended_at: session.endedAt,
    end_reason: session.endReason,
    status_list: session.status?.list ?? null,
    status_index: session.status?.index ?? null,
  }
}
