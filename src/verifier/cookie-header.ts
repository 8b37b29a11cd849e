/**
 * Every value that a request gives a cookie. Read here, since libraries fold two of one name into one: the second may
 * have been set by a neighbouring host (RFC 6265 §4.2.2 and §8.6), so who uses a cookie refuses two.
 * @param headers every `Cookie` header of the request
 * @param name compared as it stands, for so are the prefixes `__Host-` and `__Secure-` where a browser checks them
 */
export function cookieValues(headers: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (const header of headers) {
    for (const pair of header.split(';')) {
      const equals = pair.indexOf('=')
      if (equals !== -1 && pair.slice(0, equals).trim() === name) values.push(pair.slice(equals + 1).trim())
    }
  }
  return values
}
