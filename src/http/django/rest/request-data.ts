import { isUtf8 } from 'node:buffer'
import type { Context } from 'koa'
import getRawBody from 'raw-body'
import { bodyTooLarge, parseError, unsupportedMediaType } from './api-error.ts'
import { explainJsonError } from './json-error.ts'
import { type MediaType, matches, parseMediaType } from './media-type.ts'
import { type DecodedText, decodeUtf8 } from './utf8.ts'

/** What a request says: any value of JSON, or the fields of a form, of which the last of a name counts. */
export type RequestData =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'form'; readonly fields: ReadonlyMap<string, unknown> }

/** The parsers that Django REST framework has by default, in its order. */
export const parsed = [
  'application/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
] as const

const parsers = {
  'application/json': parseJson,
  'application/x-www-form-urlencoded': parseForm,
  'multipart/form-data': parseMultipart,
}

/** As Django's `DATA_UPLOAD_MAX_NUMBER_FIELDS`. */
const mostFields = 1_000

/**
 * Reads the body, 64 KiB at most, as the parser of its type does. Without a body there are no fields, whatever type
 * it says it has. Django does not undo `Content-Encoding`, so neither is it undone here.
 * @throws {ApiError} for another type, a body that is too large, or one that cannot be read.
 */
export async function readData(context: Context): Promise<RequestData> {
  const bytes = await readBytes(context)
  if (bytes.length === 0) return { kind: 'form', fields: new Map() }
  const header = context.headers['content-type'] ?? ''
  const type = parseMediaType(header)
  const fitting = parsed.find((each) => matches(parseMediaType(each), type))
  if (!fitting) throw unsupportedMediaType(header)
  return parsers[fitting](bytes, type, header)
}

async function readBytes({ req, headers }: Context): Promise<Buffer> {
  try {
    return await getRawBody(req, { limit: '64kb', length: headers['content-length'] ?? null })
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 413) throw bodyTooLarge()
    throw parseError('The body could not be read.')
  }
}

function parseJson(bytes: Buffer, type: MediaType): RequestData {
  const decoded = decode(bytes, type)
  if (!decoded.ok) throw parseError(`JSON parse error - ${decoded.problem}`)
  try {
    return { kind: 'json', value: JSON.parse(decoded.text) }
  } catch {
    throw parseError(`JSON parse error - ${explainJsonError(decoded.text)}`)
  }
}

function parseForm(bytes: Buffer): RequestData {
  // Bytes that are no UTF-8 are taken one by one, as `QueryDict` does. A `?` in front would be cut off.
  const text = isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1')
  return toForm(new URLSearchParams(`&${text}`))
}

async function parseMultipart(bytes: Buffer, type: MediaType, header: string): Promise<RequestData> {
  if (!type.parameters.get('boundary')) {
    throw parseError('Multipart form parse error - Invalid boundary in multipart: None')
  }
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'Content-Type': header } }).formData()
    return toForm(form)
  } catch {
    // What is no multipart at all has no fields.
    return { kind: 'form', fields: new Map() }
  }
}

function toForm(entries: Iterable<[string, unknown]>): RequestData {
  const pairs = [...entries]
  if (pairs.length > mostFields) throw parseError('The form has too many fields.')
  return { kind: 'form', fields: new Map(pairs) }
}

/** The text of a body in its `charset`, or in UTF-8 where that is none that is known. */
function decode(bytes: Buffer, { parameters }: MediaType): DecodedText {
  const charset = parameters.get('charset') ?? 'utf-8'
  if (/^utf-?8$/i.test(charset)) return decodeUtf8(bytes)
  try {
    return { ok: true, text: new TextDecoder(charset, { fatal: true }).decode(bytes) }
  } catch (error) {
    if (error instanceof RangeError) return decodeUtf8(bytes)
    return { ok: false, problem: `'${charset}' codec can't decode the body` }
  }
}
