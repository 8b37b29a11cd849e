import { createRequire } from 'node:module'
import { inflateSync } from 'node:zlib'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { eventually } from './eventually.ts'
import { decodeClaims } from './oauth.ts'

const { getListFromStatusListJWT }: typeof import('@sd-jwt/jwt-status-list') = createRequire(import.meta.url)(
  '@sd-jwt/jwt-status-list',
)

export interface Place {
  readonly idx: number
  readonly uri: string
}

/** Where a token's status stands. */
export function placeOf(token: string): Place {
  const { status_list } = Object(decodeClaims(token)['status'])
  const { idx, uri } = Object(status_list)
  if (typeof idx !== 'number' || typeof uri !== 'string') throw new Error('The token has no status.')
  return { idx, uri }
}

/** Every bit of a list, by an implementation that is not ours; not quick for long ones. */
export function readByOthers(token: string): readonly number[] {
  return getListFromStatusListJWT(token).statusList
}

/** Fetches a list, verifies it by the issuer's keys and takes its bits out. */
export async function readList(
  uri: string,
  jwks: string,
): Promise<{ readonly claims: JWTPayload; readonly bits: Buffer }> {
  const response = await fetch(uri)
  const token = await response.text()
  if (response.status !== 200) throw new Error(`No list, but ${response.status} ${token}`)
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwks)), { typ: 'statuslist+jwt' })
  const { lst } = Object(payload['status_list'])
  return { claims: payload, bits: inflateSync(Buffer.from(String(lst), 'base64url')) }
}

export function bitAt(bits: Buffer, index: number): number {
  return ((bits[index >> 3] ?? 0) >> (index & 7)) & 1
}

/** The signed list that a token names, as the issuer at `url` serves it to anybody. */
export async function fetchListOf(token: string, url: string): Promise<string> {
  return (await fetch(url + new URL(placeOf(token).uri).pathname)).text()
}

/** The bit of a token in its list, as the issuer at `url` serves it. */
export async function bitOf(token: string, url: string): Promise<number> {
  const { idx, uri } = placeOf(token)
  // The issuer of a test need not stand where its name says.
  const here = url + new URL(uri).pathname
  return bitAt((await readList(here, `${url}/.well-known/jwks.json`)).bits, idx)
}

/** The same, once it is as `wished`: what was committed a second ago is in the list, signed by a published key. */
export function eventualBit(token: string, url: string, wished: number): Promise<number | undefined> {
  return eventually(
    () => bitOf(token, url).catch(() => undefined),
    (bit) => bit === wished,
  )
}

/** One event of the stream, its data read. */
export interface StatusEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

/** A subscription to the event stream. */
export interface Subscription {
  readonly status: number
  readonly headers: Headers
  readonly events: readonly StatusEvent[]
  readonly isEnded: boolean
  /** The changes, without what belongs to the stream itself. */
  changes(): readonly StatusEvent[]
  /** Waits until an event is there that `matches`, and gives it. */
  find(matches: (event: StatusEvent) => boolean): Promise<StatusEvent>
  close(): Promise<void>
}

const ofTheStream = new Set(['snapshot', 'resumed', 'heartbeat'])

/** Subscribes as a verifier does; resolves when the answer begins. */
export async function subscribe(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Subscription> {
  const abort = new AbortController()
  const response = await fetch(`${url}/status-lists/events`, { headers, signal: abort.signal })
  const events: StatusEvent[] = []
  let isEnded = false
  const parser = createParser({
    onEvent: ({ event, id, data }: EventSourceMessage) => {
      events.push({ event: event ?? '', id, data: JSON.parse(data) })
    },
  })
  const reading = (async () => {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
    } catch {
      // Aborted, or cut by the issuer.
    }
    isEnded = true
  })()
  return {
    status: response.status,
    headers: response.headers,
    events,
    get isEnded() {
      return isEnded
    },
    changes: () => events.filter(({ event }) => !ofTheStream.has(event)),
    async find(matches) {
      const found = await eventually(
        async () => events.find(matches),
        (event) => event !== undefined,
      )
      if (found) return found
      throw new Error(`No such event, but ${JSON.stringify(events)}`)
    },
    async close() {
      abort.abort()
      await reading
    },
  }
}

/** Whether an event says that this place is revoked. */
export function revokes(place: Place): (event: StatusEvent) => boolean {
  return ({ event, data }) => {
    if (event !== 'revoked' || data['uri'] !== place.uri) return false
    const { idx, ranges } = data
    if (Array.isArray(idx)) return idx.includes(place.idx)
    return Array.isArray(ranges) && ranges.some(([from, to]) => from <= place.idx && place.idx <= to)
  }
}
