import type { UserRow } from '../admin/user-row.ts'
import type { UserMapping } from './mapping.ts'

/** One user of a Django project: what stands in the columns, as JSON would have it, and under the names of relations. */
export interface DjangoRecord {
  /** What the row is called in a message: `id 42`. */
  readonly place: string
  readonly values: Readonly<Record<string, unknown>>
}

/** Makes of one what an import takes. */
export function toUserRow({ place, values }: DjangoRecord, mapping: UserMapping): UserRow {
  const claims: Record<string, unknown> = {}
  for (const [claim, column] of Object.entries(mapping.claims)) {
    const value = values[column] ?? null
    if (value instanceof Uint8Array) return { place, problem: `${column} holds bytes, which no claim can.` }
    // Libraries of Django write the key as a text, whatever it is.
    claims[claim] = claim === 'user_id' && typeof value === 'number' ? String(value) : value
  }
  const read = (column: string | undefined) => (column === undefined ? undefined : (values[column] ?? null))
  const active = read(mapping.active)
  const created = read(mapping.created)
  return {
    place,
    keepsClaims: true,
    fields: {
      username: read(mapping.username),
      ...(mapping.email !== undefined && { email: read(mapping.email) }),
      ...(mapping.password !== undefined && { password_hash: read(mapping.password) }),
      ...(active !== undefined &&
        active !== null && { disabled: active === false ? true : active === true ? false : active }),
      ...(created !== undefined && created !== null && { created_at: created }),
      claims,
    },
  }
}

/**
 * A time as JSON has it, of one as databases write it; a text that is none is left as it is. Django keeps UTC where it
 * names no zone (`USE_TZ`), to microseconds.
 */
export function toTime(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text)
  if (!match) return text
  const [, day, time, fraction = '', zone = 'Z'] = match
  const at = new Date(`${day}T${time}${fraction.slice(0, 4)}${/^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone}`)
  return Number.isNaN(at.getTime()) ? text : at.toISOString()
}
