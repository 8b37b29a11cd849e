import type { Context } from 'koa'
import { isNamed } from '../entity-tag.ts'

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
    if (isNamed(context.get('If-None-Match'), etag)) {
      context.status = 304
      return
    }
    context.type = 'application/jwk-set+json'
    context.body = body
  }
}
