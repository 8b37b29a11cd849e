import { type JsonObject, type JsonValue, parseJsonObject } from './json-object.ts'
import { isObject, isVersion } from './status-list-token.ts'
import type { AnnouncedList, IndexRange } from './status-lists.ts'

/** All that the issuer has at one version. */
export interface Snapshot {
  readonly epoch: string
  readonly version: number
  readonly lists: ReadonlyMap<string, AnnouncedList>
  readonly withdrawnKeys: readonly string[]
}

/** Something numbered that happened. */
export type StatusChange =
  | {
      readonly type: 'revoked'
      readonly version: number
      readonly uri: string
      readonly ranges: readonly IndexRange[]
    }
  | { readonly type: 'list'; readonly version: number; readonly uri: string; readonly size: number }
  | { readonly type: 'retired'; readonly version: number; readonly uri: string }
  | { readonly type: 'keys'; readonly version: number; readonly withdrawn: readonly string[] }

/** Where a stream stands: an event's id is `EPOCH.VERSION`. */
export interface StreamPosition {
  readonly epoch: string
  readonly version: number
}

/** What the issuer said is not what was agreed on. */
class MessageError extends Error {
  override readonly name = 'MessageError'
}

/** @throws {Error} when the text is no JSON object */
export function readMessage(text: string): JsonObject {
  return parseJsonObject(Buffer.from(text))
}

/** The member `mintage` of the aggregation, which is also the data of a `snapshot` event. */
export function readSnapshot(message: JsonValue | undefined): Snapshot {
  if (!isObject(message)) throw new MessageError('The issuer sent no snapshot.')
  const { epoch, version, lists, withdrawn_keys: withdrawnKeys = [] } = message
  if (typeof epoch !== 'string' || epoch === '' || !isVersion(version) || !isObject(lists)) {
    throw new MessageError('The issuer sent a snapshot that cannot be read.')
  }
  const announced = new Map(Object.entries(lists).map(([uri, list]) => [uri, readAnnouncement(list)]))
  return { epoch, version, lists: announced, withdrawnKeys: readTexts(withdrawnKeys) }
}

/** @throws {Error} when the event's data is not what its type says. */
export function readChange(type: StatusChange['type'], message: JsonObject): StatusChange {
  const { version, uri, size } = message
  if (!isVersion(version)) throw new MessageError('The issuer sent an event without a version.')
  if (type === 'keys') return { type, version, withdrawn: readTexts(message['withdrawn'] ?? []) }
  if (typeof uri !== 'string') throw new MessageError('The issuer sent an event about no list.')
  if (type === 'retired') return { type, version, uri }
  if (type === 'revoked') return { type, version, uri, ranges: readRanges(message) }
  if (!isVersion(size)) throw new MessageError('The issuer sent a list without a size.')
  return { type, version, uri, size }
}

const changeTypes: readonly string[] = ['revoked', 'list', 'retired', 'keys']

export function isChangeType(type: string): type is StatusChange['type'] {
  return changeTypes.includes(type)
}

/** `age` and `at` are in milliseconds; `at` is the issuer's monotonic clock, if it tells it. */
export function readHeartbeat({ version, age, at }: JsonObject): {
  readonly version: number
  readonly age: number
  readonly at: number | undefined
} {
  const isTime = at === undefined || (typeof at === 'number' && at >= 0)
  if (isVersion(version) && typeof age === 'number' && age >= 0 && isTime) return { version, age, at }
  throw new MessageError('The issuer sent a heartbeat that cannot be read.')
}

export function readPosition(id: string | undefined): StreamPosition {
  const match = /^(.+)\.(\d{1,16})$/.exec(id ?? '')
  if (!match) throw new MessageError('The issuer sent an event without a place.')
  return { epoch: match[1] ?? '', version: Number(match[2]) }
}

function readAnnouncement(value: JsonValue): AnnouncedList {
  if (!isObject(value) || !isVersion(value['version']) || !isVersion(value['size'])) {
    throw new MessageError('The issuer announced a list that cannot be read.')
  }
  return { version: value['version'], size: value['size'] }
}

function readRanges({ idx = [], ranges = [] }: JsonObject): readonly IndexRange[] {
  if (!Array.isArray(idx) || !Array.isArray(ranges)) throw new MessageError('The issuer revoked no indexes.')
  const single = idx.map((index: JsonValue) => [index, index])
  return [...single, ...ranges].map((range: JsonValue) => {
    const [first, last] = Array.isArray(range) ? range : []
    if (isVersion(first) && isVersion(last)) return [first, last]
    throw new MessageError('The issuer revoked an index that cannot be read.')
  })
}

function readTexts(value: JsonValue): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
  throw new MessageError('The issuer sent something else than a list of texts.')
}
