import { isUtf8 } from 'node:buffer'
import { InvalidTokenError } from './invalid-token-error.ts'

/** Any value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

const quote = 0x22
const colon = 0x3a
const backslash = 0x5c

/**
 * Reads a JSON object from UTF-8. `__proto__` is a member like any other.
 * @throws {InvalidTokenError} `malformed` when the bytes are no UTF-8, no JSON or no object, or when any object in
 *   them, however deep, has two members of one name (RFC 7515 §4, RFC 7519 §4).
 */
export function parseJsonObject(bytes: Buffer): JsonObject {
  if (!isUtf8(bytes)) throw new InvalidTokenError('malformed')
  const text = bytes.toString('utf8')
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidTokenError('malformed')
  // JSON.parse keeps one of two members of the same name. In valid JSON each member has one colon outside strings.
  if (countMembers(value) !== countColons(text)) throw new InvalidTokenError('malformed')
  return value as JsonObject
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidTokenError('malformed')
  }
}

/** Not recursive, since 16 KiB can nest deeper than the stack is. */
function countMembers(root: object): number {
  let count = 0
  const pending: object[] = [root]
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const children: unknown[] = Array.isArray(value) ? value : Object.values(value)
    if (!Array.isArray(value)) count += children.length
    for (const child of children) {
      if (typeof child === 'object' && child !== null) pending.push(child)
    }
  }
  return count
}

/** `text` must be valid JSON. */
function countColons(text: string): number {
  let count = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === colon) count++
    else if (code === quote) index = findStringEnd(text, index)
  }
  return count
}

/** The index of the quote that closes the string which `start` opens. */
function findStringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, index: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(index - 1 - backslashes) === backslash) backslashes++
  return backslashes % 2 === 1
}
