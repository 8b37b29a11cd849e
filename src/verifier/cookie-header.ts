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
      if (equals !== -1 && strip(pair.slice(0, equals)) === name) values.push(strip(pair.slice(equals + 1)))
    }
  }
  return values
}

/**
 * Without the spaces and tabs around it (OWS, RFC 9110 §5.6.3). `trim` takes U+00A0 and its like, too, and so makes a
 * prefixed name of one that any host may set.
 */
function strip(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
