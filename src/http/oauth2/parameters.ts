import { isUtf8 } from 'node:buffer'
import type { Context } from 'koa'
import { InvalidRequestError, InvalidTargetError } from '../../protocol/errors.ts'

export const formType = 'application/x-www-form-urlencoded'

/** How clients write it, the charset that `fetch` adds included; there are more ways. */
const usualFormType = /^application\/x-www-form-urlencoded(?:; ?charset=utf-8)?$/i

export function isUsualForm(contentType: string | undefined): boolean {
  return contentType !== undefined && usualFormType.test(contentType)
}

/** What must never stand in a URL, where logs and histories would keep it (RFC 6749 §2.3.1). */
const bodyOnly = new Set([
  'client_id',
  'client_secret',
  'grant_type',
  'password',
  'refresh_token',
  'token',
  'username',
])

/**
 * The form of an OAuth request, each parameter once, those without a value left out (RFC 6749 §3.2). Read from the
 * raw form, since parsers fold a repeated parameter and make objects of `a[b]`.
 * @throws {InvalidRequestError} for another type of body, a repeated or bracketed parameter, or broken encoding.
 * @throws {InvalidTargetError} for a repeated `resource` (RFC 8707 §2).
 */
export function readParameters(context: Context): ReadonlyMap<string, string> {
  const { querystring } = context
  for (const [name] of querystring === '' ? [] : new URLSearchParams(querystring)) {
    if (bodyOnly.has(name)) throw new InvalidRequestError(`${name} belongs into the body, not into the URL.`)
  }
  const isForm = isUsualForm(context.headers['content-type']) || context.is(formType)
  if (!isForm) throw new InvalidRequestError(`The body must be ${formType}.`)
  const { body } = context.request
  return parseForm(decodeBytes(typeof body === 'string' ? body : ''))
}

const beyondAscii = /[^\0-\x7F]/

/** Reads UTF-8 out of one character for each byte. */
function decodeBytes(body: string): string {
  if (!beyondAscii.test(body)) return body
  const bytes = Buffer.from(body, 'latin1')
  if (!isUtf8(bytes)) throw new InvalidRequestError('The form is not UTF-8.')
  return bytes.toString('utf8')
}

/** See {@link readParameters}. */
export function parseForm(form: string): ReadonlyMap<string, string> {
  const seen = new Set<string>()
  const parameters = new Map<string, string>()
  for (const pair of form.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1))
    if (/[[\]]/.test(name)) throw new InvalidRequestError('Parameters are neither lists nor objects.')
    if (seen.has(name)) {
      if (name === 'resource') throw new InvalidTargetError('A token is for one resource.')
      throw new InvalidRequestError('A parameter is repeated.')
    }
    seen.add(name)
    if (value !== '') parameters.set(name, value)
  }
  return parameters
}

const encodedMark = /[%+]/

/**
 * Undoes `application/x-www-form-urlencoded` for one name or value.
 * @throws {InvalidRequestError} when it is not well-formed UTF-8 in percent-encoding.
 */
export function decode(encoded: string): string {
  if (!encodedMark.test(encoded)) return encoded
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch (cause) {
    throw new InvalidRequestError('The form is not correctly encoded.', { cause })
  }
}
