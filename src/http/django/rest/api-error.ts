import type { JsonObject } from '../../../protocol/claims.ts'

/** What an answer holds besides its status and body. */
export interface ApiErrorOptions {
  /** Names the error in the log and in metrics. */
  readonly code: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure that the client is told about in the shape of Django REST framework (`rest_framework/exceptions.py`). */
export class ApiError extends Error {
  override readonly name: string = 'ApiError'
  readonly status: number
  readonly body: JsonObject
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, body: JsonObject, { code, headers = {} }: ApiErrorOptions) {
    super(code)
    this.status = status
    this.body = body
    this.code = code
    this.headers = headers
  }

  /** The same, with the refusal of the core that it tells of; never sent. */
  because(cause: unknown): this {
    this.cause = cause
    return this
  }
}

/** Its 401 carries the challenge of the view. */
export class AuthenticationFailedError extends ApiError {
  override readonly name = 'AuthenticationFailedError'
}

/** The body cannot be read. */
export function parseError(detail: string): ApiError {
  return new ApiError(400, { detail }, { code: 'parse_error' })
}

/** Fields that are not good, each with what is wrong. */
export function validationError(errors: Readonly<Record<string, readonly string[]>>): ApiError {
  return new ApiError(400, errors, { code: 'invalid' })
}

export function permissionDenied(): ApiError {
  const detail = 'You do not have permission to perform this action.'
  return new ApiError(403, { detail }, { code: 'permission_denied' })
}

/** As `SessionAuthentication.enforce_csrf` says it. */
export function csrfFailed(reason: string): ApiError {
  return new ApiError(403, { detail: `CSRF Failed: ${reason}` }, { code: 'permission_denied' })
}

export function notFound(): ApiError {
  return new ApiError(404, { detail: 'Not found.' }, { code: 'not_found' })
}

export function methodNotAllowed(method: string): ApiError {
  return new ApiError(405, { detail: `Method "${method}" not allowed.` }, { code: 'method_not_allowed' })
}

export function notAcceptable(): ApiError {
  const detail = 'Could not satisfy the request Accept header.'
  return new ApiError(406, { detail }, { code: 'not_acceptable' })
}

/** The rest of the body is not read, so the connection cannot be used again. */
export function bodyTooLarge(): ApiError {
  const detail = 'The body is larger than 64 KiB.'
  return new ApiError(413, { detail }, { code: 'too_large', headers: { Connection: 'close' } })
}

export function unsupportedMediaType(type: string): ApiError {
  const detail = `Unsupported media type "${type}" in request.`
  return new ApiError(415, { detail }, { code: 'unsupported_media_type' })
}

/** @param wait whole seconds. */
export function throttled(wait: number): ApiError {
  const seconds = wait === 1 ? '1 second' : `${wait} seconds`
  const detail = `Request was throttled. Expected available in ${seconds}.`
  return new ApiError(429, { detail }, { code: 'throttled', headers: { 'Retry-After': String(wait) } })
}

/** @param wait whole seconds. */
export function unavailable(wait: number): ApiError {
  const detail = 'Service temporarily unavailable, try again later.'
  return new ApiError(503, { detail }, { code: 'unavailable', headers: { 'Retry-After': String(wait) } })
}

export function serverError(): ApiError {
  return new ApiError(500, { detail: 'A server error occurred.' }, { code: 'error' })
}
