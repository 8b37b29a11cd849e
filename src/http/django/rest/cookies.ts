import type { Clock } from '../../../lib/clock.ts'
import { second } from '../../../lib/durations.ts'
import type { JsonObject } from '../../../protocol/claims.ts'
import { leavesSession } from '../../cookies/refusals.ts'
import type { RequestCookies, TokenKind } from '../../cookies/token-cookies.ts'
import { ApiError } from './api-error.ts'
import type { View } from './view.ts'

/** How the tokens of a view travel where they travel in cookies. */
export interface ViewCookies {
  /** The fields that a cookie stands for, where the request does not have them. */
  readonly reads?: Readonly<Record<string, TokenKind>>
  /** The members of the answer that go into cookies in place of it. They are JWTs with an `exp`. */
  readonly sets?: Readonly<Record<string, TokenKind>>
  /** It logs out: what the browser keeps ends, and to have nothing is as good. */
  readonly clears?: true
}

/** What the answer says in place of a token: how many seconds it has, by the names of RFC 6749 and of ours. */
const lifeMembers = { access: 'expires_in', refresh: 'refresh_token_expires_in' } as const

/**
 * A view for a client whose tokens travel in cookies; of any other, the view as it is.
 * @param open see {@link TokenCookies.open}; what it throws is answered in the words of the view.
 */
export function withCookies(view: View, open: () => RequestCookies | undefined, clock: Clock): View {
  try {
    const kept = open()
    return kept ? wrap(view, kept, clock) : view
  } catch (error) {
    return {
      ...view,
      read() {
        throw error
      },
    }
  }
}

function wrap(view: View, kept: RequestCookies, clock: Clock): View {
  const { reads = {}, sets = {}, clears = false } = view.cookies
  const fields = view.fields.map((field) => {
    const kind = reads[field.name]
    const fallback = kind && (kept.get(kind) ?? (clears ? '' : undefined))
    return fallback === undefined ? field : { ...field, fallback }
  })
  return {
    ...view,
    fields,
    async post(given, context) {
      const chosen = new Map(given)
      for (const [field, kind] of Object.entries(reads)) {
        const token = kept.choose(kind, given.get(field) || undefined)
        if (token !== undefined) chosen.set(field, token)
      }
      const isLoggedOut = clears && [...chosen.values()].every((token) => token === '')
      const answer = isLoggedOut
        ? {}
        : await view.post(chosen, context).catch((error) => {
            // What the browser keeps is of no use any more.
            if ((clears || isRefresh(view)) && isRefusal(error)) kept.clear()
            throw error
          })
      if (clears) kept.clear()
      return moveTokens(answer, sets, kept, clock.now())
    },
  }
}

/** The token itself is refused: not where it could not be tried, nor where its session goes on. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.status === 400 || error.status === 401) && !leavesSession(error.cause)
  )
}

/** It takes one token and gives another. */
function isRefresh({ cookies: { reads, sets } }: View): boolean {
  return reads !== undefined && sets !== undefined
}

function moveTokens(
  answer: JsonObject,
  sets: Readonly<Record<string, TokenKind>>,
  kept: RequestCookies,
  now: number,
): JsonObject {
  const told: Record<string, JsonObject[string]> = {}
  // The refresh token first: if the other makes too large a cookie, the browser keeps its session.
  const members = Object.entries(answer).sort(
    ([one], [other]) => Number(sets[other] === 'refresh') - Number(sets[one] === 'refresh'),
  )
  for (const [member, value] of members) {
    const kind = sets[member]
    if (kind === undefined) told[member] = value
    else if (typeof value === 'string') {
      const life = Math.max(0, readExpiry(value) - Math.floor(now / second))
      kept.set(kind, { token: value, life })
      told[lifeMembers[kind]] = life
    }
  }
  return told
}

/** The `exp` of a JWT that was just made, in seconds since the epoch. */
function readExpiry(token: string): number {
  return Number(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp)
}
