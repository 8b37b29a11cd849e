import cors from '@koa/cors'
import type { Context, Middleware } from 'koa'

/** Where a script in a browser sends a user's tokens. Introspection is for confidential clients, which no browser is. */
const forUsers = /\/oauth2\/(token|revoke)$/

/** What everybody may read, with nothing in it that depends on who asks. */
const forEverybody = /\/\.well-known\/|\/status-lists(\/|$)/

const allowedHeaders = ['Authorization', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID', 'X-Request-Id']
const exposedHeaders = ['ETag', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id']

/** How long a browser remembers the answer to a preflight, in seconds. */
const preflightLife = 600

/**
 * Lets scripts of `origins`, byte for byte, call the endpoints that browsers use, and those of any origin read the
 * public documents (the CORS protocol of the Fetch standard). No cookie or other credential of the browser counts
 * anywhere, so `Access-Control-Allow-Credentials` is never sent. Without origins nothing is opened.
 * @param morePaths the ends of further paths that browsers use.
 */
export function allowOrigins(
  origins: readonly string[],
  morePaths: readonly string[] = [],
): Middleware | undefined {
  if (origins.length === 0) return undefined
  const known = new Set(origins)
  const ofUsers = rule('POST', ({ headers }) => {
    return headers.origin !== undefined && known.has(headers.origin) ? headers.origin : ''
  })
  const readers = rule('GET', () => '*')
  const ofEverybody: Middleware = async (context, next) => {
    await readers(context, next)
    // The library says so always; but the answer is one for all, and a cache shall keep one.
    if (context.response.get('Vary') === 'Origin') context.remove('Vary')
  }
  return (context, next) => {
    const { path } = context
    if (forUsers.test(path) || morePaths.some((end) => path.endsWith(end))) return ofUsers(context, next)
    return forEverybody.test(context.path) ? ofEverybody(context, next) : next()
  }
}

function rule(method: string, origin: (context: Context) => string): Middleware {
  return cors({
    origin,
    allowMethods: method,
    allowHeaders: allowedHeaders,
    exposeHeaders: exposedHeaders,
    maxAge: preflightLife,
    // What was set stays set where errors are answered.
    keepHeadersOnError: false,
  })
}
