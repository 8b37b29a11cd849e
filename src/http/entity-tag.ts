/**
 * Whether an `If-None-Match` names the entity tag (RFC 9110 §13.1.2). Koa's own test is not used, for it says no where
 * the request says `no-cache`, as fetch does whenever it sends the header.
 */
export function isNamed(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()))
}
