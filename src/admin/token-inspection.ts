import type { KeyObject } from 'node:crypto'
import { publishedJwk } from '../keys/jwks.ts'
import { importPublicKey, loadMacKey } from '../keys/key-pair.ts'
import type { RingKeeper } from '../keys/ring-keeper.ts'
import type { Vault } from '../keys/vault.ts'
import { second } from '../lib/durations.ts'
import { quote } from '../lib/quote.ts'
import type { JsonObject } from '../protocol/claims.ts'
import {
  looksLikeRefreshToken,
  type RefreshTokenContent,
  readRefreshToken,
} from '../sessions/refresh-token.ts'
import { loadBoard } from '../status/load-board.ts'
import { listPath, readClaim } from '../status/status-claim.ts'
import type { RingRecord } from '../store/key-table.ts'
import type { SessionRecord } from '../store/session-table.ts'
import type { Store } from '../store/store.ts'
import { isTokenIdOf } from '../tokens/token-id.ts'
import { decode, examineAccessToken, formatSpan, type KnownKey } from './token-examination.ts'

/** What a token is, what it says, and each thing that is wrong with it. Holds no part that could be redeemed. */
export interface TokenReport {
  readonly kind: 'access_token' | 'refresh_token' | 'unknown'
  /** Whether it would be accepted now. */
  readonly good: boolean
  /** Each a sentence. */
  readonly problems: readonly string[]
  /** What else is worth knowing; each a sentence. */
  readonly notes: readonly string[]
  readonly header?: JsonObject
  readonly claims?: JsonObject
  /** Whose refresh token it is, and which of the session's. Times are milliseconds since the epoch. */
  readonly session?: {
    readonly sid: string
    readonly user: string
    readonly client: string
    readonly scope: string
    readonly audience: string
    /** The generation of the token. */
    readonly generation: number
    /** That of the session: of the one token that may be redeemed. */
    readonly latest: number
    readonly createdAt: number
    readonly expiresAt: number
  }
}

export interface TokenInspectionOptions {
  readonly store: Store
  readonly keeper: RingKeeper
  readonly vault: Vault
  /** Undefined where the configuration names none. */
  readonly issuer: string | undefined
}

/** Says what a token is worth to the installation, and why it is worth nothing. Asking changes nothing. */
export class TokenInspection {
  readonly #options: TokenInspectionOptions

  constructor(options: TokenInspectionOptions) {
    this.#options = options
  }

  /** @param audience what `aud` must have; undefined: not compared. */
  async inspect(token: string, audience?: string): Promise<TokenReport> {
    if (looksLikeRefreshToken(token)) return this.#inspectRefreshToken(token)
    const claims = readDjangoRefreshToken(token)
    return claims ? this.#inspectDjangoRefreshToken(claims) : this.#inspectAccessToken(token, audience)
  }

  /** One in the form of Django's packages: a JWT around a refresh token of ours, or one that a Django project had signed. */
  async #inspectDjangoRefreshToken(claims: JsonObject): Promise<TokenReport> {
    const { jti } = claims
    if (typeof jti !== 'string' || !looksLikeRefreshToken(jti)) {
      const problem =
        'It is a refresh token of a Django project, and none of Mintage: where MINTAGE_DJANGO_KEY is the key of that project, the ' +
        'endpoints of SimpleJWT exchange it, once.'
      return { ...refused([problem]), claims }
    }
    const report = await this.#inspectRefreshToken(jti)
    const note =
      'It is in the form of the Django packages, a JWT around a refresh token of Mintage. What is told here is of that one; the signature of ' +
      'the JWT is compared by the endpoint that it is for.'
    return { ...report, notes: [...report.notes, note] }
  }

  async #inspectAccessToken(token: string, audience: string | undefined): Promise<TokenReport> {
    const { store, keeper, issuer } = this.#options
    const now = await store.now()
    const ring = await keeper.read()
    const apis = new Map((await store.apis.list()).map((api) => [api.audience, api.typ]))
    const { header, claims, isSigned, problems } = examineAccessToken(token, {
      now,
      issuer,
      audience,
      typOf: (aud) => apis.get(aud),
      keyOf: (kid) => findKey(ring, kid, now),
    })
    // What a forged token says of sessions is nothing to look up.
    const revocations = isSigned && claims ? await this.#listRevocations(claims, now) : []
    const all = [...problems, ...revocations]
    return {
      kind: header === undefined && claims === undefined ? 'unknown' : 'access_token',
      good: all.length === 0,
      problems: all,
      notes: issuer === undefined ? ['MINTAGE_ISSUER is not set here, so its iss was not compared.'] : [],
      ...(header && { header }),
      ...(claims && { claims }),
    }
  }

  async #listRevocations(claims: JsonObject, now: number): Promise<readonly string[]> {
    const { store } = this.#options
    const { jti, sid, client_id: clientId, iat } = claims
    const problems: string[] = []
    if (await isFlagged(store, claims['status']))
      problems.push('It was revoked: its place in the status list is set.')
    if (typeof sid === 'string') {
      const session = await store.sessions.findBySid(sid)
      if (session) problems.push(...(await this.#judgeSession(session, now)))
      else problems.push(`Its session ${quote(sid)} is gone: it ended or expired a while ago.`)
    }
    if (typeof clientId === 'string' && typeof jti === 'string') {
      const client = await store.clients.findByClientId(clientId)
      if (!client || !isTokenIdOf(jti, client.id)) problems.push(`Its client ${quote(clientId)} was deleted.`)
      else if (client.disabledAt !== null) problems.push(`Its client ${quote(clientId)} is disabled.`)
      else if (typeof iat === 'number' && iat * second < client.tokensVoidUntil) {
        problems.push(`Its client ${quote(clientId)} was disabled after it was issued, which voided it.`)
      }
    }
    return problems
  }

  async #inspectRefreshToken(token: string): Promise<TokenReport> {
    const { store } = this.#options
    const now = await store.now()
    const read = await this.#readRefreshToken(token)
    if (typeof read === 'string') return refused([read])
    const session = await store.sessions.findByHandle(read.handle)
    if (!session)
      return refused(['It is authentic, but its session is gone: it ended or expired a while ago.'])
    const user = await store.users.findById(session.user)
    const client = await store.clients.findById(session.client)
    const problems = [...(await this.#judgeSession(session, now))]
    if (!client) problems.push('Its client was deleted.')
    else if (client.disabledAt !== null) problems.push(`Its client ${quote(client.clientId)} is disabled.`)
    const notes: string[] = []
    const behind = session.generation - read.generation
    if (behind === 1) {
      notes.push(
        `It was redeemed ${formatSpan(now - session.rotatedAt)} ago; a retry with the same Idempotency-Key, or ` +
          'within the retry window where it had none, gets the same successor again.',
      )
      problems.push('It was redeemed already: there is a later one.')
    } else if (behind > 1) {
      problems.push(
        `It is ${behind} generations old: redeeming it again is reuse, and would end the session.`,
      )
    } else if (behind < 0) {
      notes.push('It is newer than its session here: the database has lost commits, or is an old one.')
    }
    return {
      kind: 'refresh_token',
      good: problems.length === 0,
      problems,
      notes,
      session: {
        sid: session.sid,
        user: user?.username ?? session.user,
        client: client?.clientId ?? session.client,
        scope: session.scope,
        audience: session.audience,
        generation: read.generation,
        latest: session.generation,
        createdAt: session.createdAt,
        expiresAt: Math.min(session.idleExpiresAt, session.expiresAt),
      },
    }
  }

  /** What an authentic one says, or why it is none. */
  async #readRefreshToken(token: string): Promise<RefreshTokenContent | string> {
    const { keeper, vault } = this.#options
    const { macKeys } = await keeper.read()
    const known = new Map<number, Buffer>()
    for (const { id, state } of macKeys) if (state !== 'withdrawn') known.set(id, await loadMacKey(vault, id))
    const content = readRefreshToken(token, { macKey: (id) => known.get(id) })
    if (content) return content
    const [, body = ''] = /^mrt_([A-Za-z0-9_-]{76})$/.exec(token) ?? []
    if (body === '')
      return 'It looks like a refresh token (mrt_…), but it was cut or has characters too many.'
    const id = Buffer.from(body, 'base64url').readUInt32BE(1)
    if (macKeys.some((key) => key.id === id && key.state === 'withdrawn')) {
      return `Its MAC key ${id} was withdrawn, which ended every session that it served.`
    }
    if (!known.has(id)) return `Its MAC key ${id} is unknown: it is from another installation, or forged.`
    return 'It is not authentic: it was altered, or forged.'
  }

  async #judgeSession(session: SessionRecord, now: number): Promise<readonly string[]> {
    const problems: string[] = []
    const { endedAt, idleExpiresAt, expiresAt, endReason } = session
    const expired = Math.min(idleExpiresAt, expiresAt)
    if (endedAt !== null) {
      problems.push(
        `Its session ended ${formatSpan(now - endedAt)} ago, at ${format(endedAt)}: ${endReason}.`,
      )
    } else if (now >= expired) {
      const why = expiresAt <= idleExpiresAt ? 'its whole life was over' : 'nobody refreshed it'
      problems.push(`Its session expired ${formatSpan(now - expired)} ago, at ${format(expired)}: ${why}.`)
    }
    const user = await this.#options.store.users.findById(session.user)
    if (!user) problems.push('Its user was deleted.')
    else if (user.disabledAt !== null) problems.push(`Its user ${quote(user.username)} is disabled.`)
    return problems
  }
}

/** The claims of what is signed with HS256 and calls itself a refresh token; nothing of it is verified. */
function readDjangoRefreshToken(token: string): JsonObject | undefined {
  const [header, claims] = token.split('.').map(decode)
  if (header?.['alg'] !== 'HS256' || !claims) return undefined
  const { jti, token_type: type } = claims
  return type === 'refresh' || (typeof jti === 'string' && looksLikeRefreshToken(jti)) ? claims : undefined
}

function refused(problems: readonly string[]): TokenReport {
  return { kind: 'refresh_token', good: false, problems, notes: [] }
}

function findKey(ring: RingRecord, kid: string, now: number): KnownKey {
  const key = ring.keys.find((each) => each.kid === kid)
  if (!key) return undefined
  if (key.state !== 'withdrawn') return importPublicKey(publishedJwk(key)) satisfies KeyObject
  const at = key.withdrawnAt ?? now
  const how = key.revoked ? 'revoked in an emergency' : 'withdrawn, as all that it had signed was over,'
  return `Its key ${quote(kid)} was ${how} ${formatSpan(now - at)} ago, at ${format(at)}.`
}

function format(at: number): string {
  return new Date(at).toISOString()
}

/** Whether the place that a token of ours names is set, in what was committed a moment ago. */
async function isFlagged(store: Store, claim: unknown): Promise<boolean> {
  const uri = Object(Object(claim)['status_list'])['uri']
  if (typeof uri !== 'string' || !uri.includes(listPath)) return false
  const place = readClaim(uri.slice(0, uri.lastIndexOf('/') + 1), claim)
  if (!place) return false
  await store.sequenceStatus()
  return (await loadBoard(store)).board.isRevoked(place)
}
