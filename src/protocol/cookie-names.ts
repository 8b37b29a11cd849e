/** The cookies in which a client's tokens travel, named after it, so that two clients of one host keep apart. */
export interface CookieNames {
  /** For every path of the host: `__Host-` demands that, and keeps other hosts of the domain from setting it. */
  readonly access: string
  /** For one path alone, which `__Host-` forbids. */
  readonly refresh: string
}

/** RFC 6265bis §4.1.3, and §4.1.1 for what a name is made of: an id has no more than `@` and `/` that are not. */
export function cookieNames(clientId: string): CookieNames {
  const client = encodeURIComponent(clientId)
  return { access: `__Host-${client}-access`, refresh: `__Secure-${client}-refresh` }
}
