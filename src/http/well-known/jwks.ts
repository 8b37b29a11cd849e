import type { Context } from 'koa'

/** The published keys, as they go over the wire. */
export interface PublishedKeys {
  /** The JWK set (RFC 7517 §5) and its entity tag, quotes included; and whether it may be kept. */
  publication(): Promise<{ readonly body: string; readonly etag: string; readonly isCurrent: boolean }>
}

/** `GET /.well-known/jwks.json`. `maxAge` is in milliseconds. */
export function jwksEndpoint(keys: PublishedKeys, maxAge: number): (context: Context) => Promise<void> {
  const cacheControl = `public, max-age=${Math.floor(maxAge / 1_000)}`
  return async (context) => {
    const { body, etag, isCurrent } = await keys.publication()
    context.set('Cache-Control', isCurrent ? cacheControl : 'public, max-age=0')
    context.set('ETag', etag)
    if (names(context.get('If-None-Match'), etag)) {
      context.status = 304
      return
    }
    context.type = 'application/jwk-set+json'
    context.body = body
  }
}

/**
 * Whether an `If-None-Match` names the entity tag (RFC 9110 §13.1.2). Koa's own test is not used, for it says no where
 * the request says `no-cache`, as fetch does whenever it sends the header.
 */
function names(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()))
}
