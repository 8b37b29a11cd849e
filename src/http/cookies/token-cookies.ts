import { cookieValues, mayUseCookies } from '@mintage/verifier/cookies'
import type { Context } from 'koa'
import type { ClientRecord } from '../../clients/client-directory.ts'
import { type CookieNames, cookieNames } from '../../protocol/cookie-names.ts'
import { AmbiguousTokenError, CrossSiteRequestError } from './errors.ts'

/** Which cookie a token stands in. */
export type TokenKind = keyof CookieNames

/** A token on its way into its cookie. */
export interface CookieToken {
  readonly token: string
  /** Seconds. */
  readonly life: number
}

/** What a browser keeps of a cookie, name and value together, in bytes (RFC 6265bis §5.6); more it drops unsaid. */
const largest = 4_096

/** Below which the refresh tokens of the interfaces are kept: one that logs out ends those of the others, too. */
const families = ['/oauth2', '/api/token', '/auth']

export interface TokenCookiesOptions {
  /** Of the issuer, as browsers see it. */
  readonly origin: string
  /** The path of the issuer, without a slash at its end. */
  readonly path: string
  /** Origins on the same site whose pages may act for a client, too. */
  readonly origins: readonly string[]
}

/** For clients in browsers: their tokens in cookies that no script can read, and that no foreign page can use. */
export class TokenCookies {
  readonly #origins: ReadonlySet<string>
  readonly #path: string

  constructor({ origin, path, origins }: TokenCookiesOptions) {
    this.#origins = new Set([origin, ...origins])
    this.#path = path
  }

  /**
   * The cookies of a request; undefined for a client that uses none, whose cookies are never looked at.
   * @param family the path below which the endpoints lie that take its refresh token.
   * @throws {CrossSiteRequestError} when the request does not come from a page that may use them.
   * @throws {AmbiguousTokenError} when there are two of one name.
   */
  open(client: ClientRecord, context: Context, family: string): RequestCookies | undefined {
    if (client.cookies === null) return undefined
    this.#checkPage(context)
    return new RequestCookies(context, client, client.cookies, {
      refresh: this.#path + family,
      all: [...new Set([...families, family])].map((each) => this.#path + each),
    })
  }

  /** An origin that is told must be known, also where the browser calls it the same: then a proxy renamed the host. */
  #checkPage({ headers }: Context): void {
    const { origin } = headers
    const site = headers['sec-fetch-site']
    const isKnown = origin === undefined || this.#origins.has(origin)
    if (isKnown && mayUseCookies({ origin, site: site?.toString() }, this.#origins)) return
    throw new CrossSiteRequestError()
  }
}

/** Where the refresh token of a request stands, and where those of its browser may stand. */
interface CookiePaths {
  readonly refresh: string
  readonly all: readonly string[]
}

/** The cookies of one request, and of its answer. */
export class RequestCookies {
  readonly #context: Context
  readonly #names: CookieNames
  readonly #paths: CookieNames
  readonly #refreshPaths: readonly string[]
  readonly #sameSite: string
  readonly #client: string
  readonly #sent: Readonly<Record<TokenKind, string | undefined>>

  constructor(context: Context, client: ClientRecord, sameSite: 'strict' | 'lax', paths: CookiePaths) {
    this.#context = context
    this.#client = client.clientId
    this.#names = cookieNames(client.clientId)
    this.#paths = { access: '/', refresh: paths.refresh }
    this.#refreshPaths = paths.all
    this.#sameSite = sameSite === 'lax' ? 'Lax' : 'Strict'
    this.#sent = { access: this.#read('access'), refresh: this.#read('refresh') }
  }

  /** The token that the browser keeps. */
  get(kind: TokenKind): string | undefined {
    return this.#sent[kind]
  }

  /**
   * The token that the request means: the one that it has outside of cookies, or that of the cookie.
   * @throws {AmbiguousTokenError} when they differ.
   */
  choose(kind: TokenKind, told: string | undefined): string | undefined {
    const kept = this.#sent[kind]
    if (told !== undefined && kept !== undefined && told !== kept) {
      throw new AmbiguousTokenError('The token of the request differs from the one of its cookie.')
    }
    return told ?? kept
  }

  /** @throws {Error} for a token that no browser would keep. */
  set(kind: TokenKind, { token, life }: CookieToken): void {
    const size = this.#names[kind].length + token.length
    if (size > largest) {
      throw new Error(
        `The ${kind} token of client ${this.#client} makes a cookie of ${size} bytes, and browsers keep ${largest}: let it carry fewer claims.`,
      )
    }
    this.#write(kind, token, life)
  }

  /** Ends what the browser keeps. */
  clear(): void {
    this.#write('access', '', 0)
    for (const path of this.#refreshPaths) this.#write('refresh', '', 0, path)
  }

  #write(kind: TokenKind, value: string, life: number, path = this.#paths[kind]): void {
    const attributes = `Path=${path}; Max-Age=${life}; Secure; HttpOnly; SameSite=${this.#sameSite}`
    this.#context.append('Set-Cookie', `${this.#names[kind]}=${value}; ${attributes}`)
  }

  #read(kind: TokenKind): string | undefined {
    const { cookie } = this.#context.headers
    if (cookie === undefined) return undefined
    const [value, ...others] = cookieValues([cookie], this.#names[kind])
    if (others.length > 0) throw new AmbiguousTokenError('Two cookies of the request have one name.')
    return value === '' ? undefined : value
  }
}
