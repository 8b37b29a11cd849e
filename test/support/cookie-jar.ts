/** A cookie as a `Set-Cookie` header says it. */
export interface SetCookie {
  readonly name: string
  readonly value: string
  /** Each attribute by its name in lower case; empty where it has no value. */
  readonly attributes: Readonly<Record<string, string>>
}

export function readSetCookies(headers: Headers): readonly SetCookie[] {
  return headers.getSetCookie().map((line) => {
    const [[name = '', value = ''] = [], ...attributes] = line.split(';').map((part) => {
      const [left = '', ...right] = part.trim().split('=')
      return [left, right.join('=')] as const
    })
    return {
      name,
      value,
      attributes: Object.fromEntries(attributes.map(([key, text]) => [key.toLowerCase(), text])),
    }
  })
}

/** What a browser keeps of one host: by name and path, until it is told to forget (RFC 6265 §5.3). */
export class CookieJar {
  readonly #kept = new Map<string, { readonly cookie: SetCookie; readonly path: string }>()

  keep(headers: Headers): void {
    for (const cookie of readSetCookies(headers)) {
      const { path = '/' } = cookie.attributes
      const key = `${cookie.name} ${path}`
      if (cookie.attributes['max-age'] === '0') this.#kept.delete(key)
      else this.#kept.set(key, { cookie, path })
    }
  }

  /** The `Cookie` header of a request for `path` (RFC 6265 §5.1.4). */
  headerFor(path: string): { readonly Cookie?: string } {
    const pairs = [...this.#kept.values()]
      .filter((kept) => path === kept.path || path.startsWith(kept.path.replace(/\/?$/, '/')))
      .map(({ cookie }) => `${cookie.name}=${cookie.value}`)
    return pairs.length > 0 ? { Cookie: pairs.join('; ') } : {}
  }

  /** The value of the one cookie of this name; undefined when there is none. */
  get(name: string): string | undefined {
    return [...this.#kept.values()].find(({ cookie }) => cookie.name === name)?.cookie.value
  }

  get size(): number {
    return this.#kept.size
  }
}
