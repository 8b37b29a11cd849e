/** A media type and its parameters, as Django REST framework reads it (`utils/mediatypes.py`). */
export interface MediaType {
  readonly main: string
  readonly sub: string
  readonly parameters: ReadonlyMap<string, string>
}

export function parseMediaType(text: string): MediaType {
  const [type = '', ...rest] = text.split(';')
  const [main = '', sub = ''] = type.trim().toLowerCase().split('/', 2)
  const parameters = rest.flatMap((part): (readonly [string, string])[] => {
    const equals = part.indexOf('=')
    if (equals === -1) return []
    const value = part.slice(equals + 1).trim()
    const isQuoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"')
    return [[part.slice(0, equals).trim().toLowerCase(), isQuoted ? value.slice(1, -1) : value]]
  })
  return { main, sub, parameters: new Map(parameters) }
}

/** Whether one of the two stands for the other; `*` is anything, in either. */
export function matches(one: MediaType, other: MediaType): boolean {
  const isSame = (a: string, b: string) => a === b || a === '*' || b === '*'
  return isSame(one.sub, other.sub) && isSame(one.main, other.main)
}
