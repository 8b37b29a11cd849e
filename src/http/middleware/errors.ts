import type { Context, Middleware } from 'koa'
import type { Logger } from '../../events/log.ts'
import { OverloadedError } from '../../lib/overloaded-error.ts'
import { UnavailableError } from '../../lib/unavailable-error.ts'
import { OAuthError } from '../../protocol/errors.ts'
import { answerJson } from '../json-answer.ts'

/**
 * Turns whatever was thrown into its answer: an `OAuthError` into RFC 6749 §5.2 JSON, an outage into 503 with
 * `Retry-After`, and all else into `server_error`, which leaks nothing and is logged in full.
 */
export function answerErrors(logger: Logger): Middleware {
  return async (context, next) => {
    try {
      await next()
      if (context.status >= 400 && !context.body) answerStatus(context, context.status)
    } catch (error) {
      answer(context, error, logger)
    }
  }
}

function answer(context: Context, error: unknown, logger: Logger): void {
  if (error instanceof OAuthError) {
    send(context, error.status, error.code, error.message)
    context.set({ ...error.headers })
    const reason = error.cause instanceof Error ? error.cause.message : error.cause
    logger.info({ event: 'request.refused', id: context.state['id'], code: error.code, reason })
  } else if (error instanceof UnavailableError) {
    send(context, 503, 'temporarily_unavailable', 'The issuer cannot answer now. Try again.')
    context.set('Retry-After', String(error.retryAfterSeconds))
    // Of what there is too much of, the log tells by numbers.
    if (error instanceof OverloadedError) return
    logger.warn({ event: 'request.unavailable', id: context.state['id'], err: error })
  } else if (isClientFault(error)) {
    answerStatus(context, error.status)
  } else {
    send(context, 500, 'server_error', 'The issuer failed to answer.')
    logger.error({ event: 'request.failed', id: context.state['id'], err: error })
  }
}

/** What a body parser throws; its message may quote the body, so only the status is used. */
function isClientFault(error: unknown): error is { readonly status: number } {
  if (typeof error !== 'object' || error === null || !('status' in error)) return false
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500
}

const descriptions: Readonly<Record<number, string>> = {
  400: 'The request could not be read.',
  404: 'There is nothing here.',
  405: 'The method is not allowed here.',
  406: 'There is only one format here, and the request does not accept it.',
  413: 'The body is larger than 64 KiB.',
  415: 'The encoding of the body is not supported.',
}

function answerStatus(context: Context, status: number): void {
  // The rest of a body that is too large is not read, so the connection cannot be used again.
  if (status === 413) context.set('Connection', 'close')
  send(context, status, 'invalid_request', descriptions[status] ?? 'The request was refused.')
}

function send(context: Context, status: number, code: string, description: string): void {
  context.status = status
  context.state['error'] = code
  context.set('Cache-Control', 'no-store')
  answerJson(context, { error: code, error_description: description })
}
