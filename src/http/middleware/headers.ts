import type { Middleware } from 'koa'
import { randomToken } from '../../lib/ids.ts'

const acceptableId = /^[\w.-]{1,64}$/

/**
 * Gives each request an id, its own or the one that a proxy sent, and each answer the headers that keep a browser
 * from doing anything with it but reading it. What may be cached says so itself.
 */
export function setHeaders(isHttps: boolean): Middleware {
  const headers = new Map([
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Referrer-Policy', 'no-referrer'],
    ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
    ...(isHttps ? [['Strict-Transport-Security', 'max-age=31536000'] as const] : []),
  ])
  return ({ req: request, res: response, state }, next) => {
    const sent = request.headers['x-request-id']
    const id = typeof sent === 'string' && acceptableId.test(sent) ? sent : randomToken(12)
    state['id'] = id
    response.setHeaders(headers)
    response.setHeader('X-Request-Id', id)
    return next()
  }
}

/** Answers that hold a token, and their errors, are kept nowhere, by old caches either (RFC 6749 §5.1). */
export const forbidStoring: Middleware = ({ res: response }, next) => {
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('Pragma', 'no-cache')
  return next()
}
