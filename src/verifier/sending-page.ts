/** What a browser says of the page that sends a request; scripts cannot change it. */
export interface SendingPage {
  /** The `Origin` header (RFC 6454 §7). */
  readonly origin: string | undefined
  /** The `Sec-Fetch-Site` header (Fetch Metadata §2.3); Safari sends it since 16.4. */
  readonly site: string | undefined
}

/**
 * Whether a request that is credited with a cookie may come from where it comes: a page of the same origin, or of one
 * of `origins` on the same site. Who says nothing of it is no browser of today and is refused, whatever else the request
 * has: which headers a foreign page can send has been a matter of bugs before.
 */
export function mayUseCookies({ origin, site }: SendingPage, origins: ReadonlySet<string>): boolean {
  if (origin === 'null') return false
  if (site === 'same-origin') return true
  return origin !== undefined && origins.has(origin) && (site === undefined || site === 'same-site')
}
