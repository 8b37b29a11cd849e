import { validationError } from './api-error.ts'
import type { RequestData } from './request-data.ts'

/** A `CharField` of a serializer. Every field that is not read-only is required. */
export interface Field {
  readonly name: string
  /** Part of the answer alone. */
  readonly readOnly?: boolean
}

/**
 * The fields of a request, as a serializer of Django REST framework cleans them: numbers become text, and white space
 * around it goes, a password's too.
 * @throws {ApiError} that tells what is wrong with each.
 */
export function readFields(data: RequestData, fields: readonly Field[]): ReadonlyMap<string, string> {
  const source = data.kind === 'form' ? data.fields : toDictionary(data.value)
  const cleaned = new Map<string, string>()
  const errors: Record<string, readonly string[]> = {}
  for (const { name, readOnly } of fields) {
    if (readOnly) continue
    const value = source.has(name) ? clean(source.get(name)) : { errors: ['This field is required.'] }
    if (typeof value === 'string') cleaned.set(name, value)
    else errors[name] = value.errors
  }
  if (Object.keys(errors).length > 0) throw validationError(errors)
  return cleaned
}

function toDictionary(value: unknown): ReadonlyMap<string, unknown> {
  if (value === null) throw validationError({ non_field_errors: ['No data provided'] })
  if (typeof value !== 'object' || Array.isArray(value)) {
    const type = pythonTypeOf(value)
    throw validationError({ non_field_errors: [`Invalid data. Expected a dictionary, but got ${type}.`] })
  }
  return new Map(Object.entries(value))
}

function pythonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return typeof value === 'boolean' ? 'bool' : 'str'
}

/** `CharField.run_validation`. */
function clean(value: unknown): string | { readonly errors: readonly string[] } {
  if (value === null) return { errors: ['This field may not be null.'] }
  if (typeof value !== 'string' && typeof value !== 'number') return { errors: ['Not a valid string.'] }
  const text = strip(String(value))
  if (text === '') return { errors: ['This field may not be blank.'] }
  const errors = []
  if (text.includes('\0')) errors.push('Null characters are not allowed.')
  const surrogate = /\p{Cs}/u.exec(text)?.[0]
  if (surrogate !== undefined) {
    const number = surrogate.charCodeAt(0).toString(16).toUpperCase()
    errors.push(`Surrogate characters are not allowed: U+${number}.`)
  }
  return errors.length > 0 ? { errors } : text
}

/** The characters that Python takes for white space. */
const spaces: ReadonlySet<string> = new Set([
  ...'\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009',
  ...'\u200a\u2028\u2029\u202f\u205f\u3000',
])

/** `str.strip()`; a pattern for the end of a text would try every run of spaces in it. */
function strip(text: string): string {
  let begin = 0
  let end = text.length
  while (begin < end && spaces.has(text.charAt(begin))) begin++
  while (end > begin && spaces.has(text.charAt(end - 1))) end--
  return text.slice(begin, end)
}
