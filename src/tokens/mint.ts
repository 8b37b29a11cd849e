import { type SigningKeys, signCompact } from '../keys/sign-compact.ts'
import type { Clock } from '../lib/clock.ts'
import { second } from '../lib/durations.ts'
import type { Watch } from '../lib/watch.ts'
import type { JsonObject } from '../protocol/claims.ts'
import { formatScope } from '../protocol/scopes.ts'
import type { OpenSession } from '../sessions/session-service.ts'
import type { Status } from '../status/status.ts'
import type { StatusReference } from '../store/status-change.ts'
import type { Store } from '../store/store.ts'
import { type AccessTokenContent, buildClaims } from './access-token.ts'
import type { Authorization, TokenResponse } from './authorization.ts'
import type { IssuingLoad } from './issuing-load.ts'
import { SelfCheck } from './self-check.ts'
import { createTokenId } from './token-id.ts'
import { renderUserData } from './user-data.ts'

export interface MintOptions {
  readonly issuer: string
  /** Milliseconds, where neither API nor client says less. */
  readonly accessTokenTtl: number
  readonly keys: SigningKeys
  readonly status: Pick<Status, 'places' | 'claim'>
  readonly store: Store
  readonly clock: Clock
  readonly load: IssuingLoad
  /** Watches each signature. */
  readonly watch?: Watch
}

/** Tokens, and the session that was opened for them; none for a client itself. */
export interface IssuedTokens {
  readonly response: TokenResponse
  readonly open: OpenSession | undefined
  /** What of the user joins the answer. */
  readonly userData: JsonObject
  /** Seconds since the epoch. */
  readonly issuedAt: number
}

/** The one place where tokens are made: session → access token → signature. */
export class Mint {
  readonly #options: MintOptions
  readonly #check = new SelfCheck()

  constructor(options: MintOptions) {
    this.#options = options
  }

  async issue(authorization: Authorization): Promise<TokenResponse> {
    return (await this.issueWithSession(authorization)).response
  }

  /** The same, and the session that the tokens belong to, for who presents it otherwise. */
  issueWithSession(authorization: Authorization): Promise<IssuedTokens> {
    return this.#options.load.during(() => this.#issue(authorization))
  }

  async #issue(authorization: Authorization): Promise<IssuedTokens> {
    const { subject, scopes } = authorization
    const open = subject.kind === 'user' ? await subject.open() : undefined
    const now = this.#options.clock.now()
    const issuedAt = Math.floor(now / second)
    const life = this.#life(authorization, open, now)
    const expiresAt = issuedAt + Math.floor(life / second)
    const jti = createTokenId(authorization.client.id)
    const content = {
      issuer: this.#options.issuer,
      subject: subject.kind === 'user' ? subject.id : authorization.client.clientId,
      user: subject.kind === 'user' ? subject : undefined,
      client: authorization.client,
      target: authorization.target,
      scopes,
      session: open?.session,
      preset: authorization.preset,
      jti,
      issuedAt,
      expiresAt,
    }
    const accessToken = await this.#sign(content, open, now, life)
    this.#options.store.tell({
      type: 'token.issued',
      grant: authorization.grant,
      client: authorization.client.clientId,
      jti,
      ...(open && { sid: open.session.sid }),
    })
    const template = authorization.client.userData?.answer
    const userData = template && subject.kind === 'user' ? renderUserData(template, subject) : {}
    const response = {
      ...userData,
      access_token: accessToken,
      token_type: 'Bearer' as const,
      expires_in: expiresAt - issuedAt,
      ...(scopes.length > 0 && { scope: formatScope(scopes) }),
      // A client that may not refresh has no use for the token, and a thief would.
      ...(open &&
        authorization.client.grants.includes('refresh_token') && {
          refresh_token: open.refreshToken,
          refresh_token_expires_in: Math.max(
            0,
            Math.floor((Math.min(open.session.idleExpiresAt, open.session.expiresAt) - now) / second),
          ),
        }),
    }
    return { response, open, userData, issuedAt }
  }

  /** The shortest of what client, API, installation and session allow, in milliseconds; a second at least. */
  #life({ client, target }: Authorization, open: OpenSession | undefined, now: number): number {
    const own = [client.accessTokenTtl, target.accessTokenTtl].filter((ttl) => ttl !== null)
    const life = own.length > 0 ? Math.min(...own) : this.#options.accessTokenTtl
    return Math.max(second, Math.min(life, open ? open.session.expiresAt - now : life))
  }

  /** Signs, and lets nothing out that a verifier would refuse. */
  async #sign(
    content: AccessTokenContent,
    open: OpenSession | undefined,
    now: number,
    life: number,
  ): Promise<string> {
    const { keys, issuer, status, watch } = this.#options
    const { target, client } = content
    const expected = {
      issuer,
      audience: target.audience,
      typ: target.typ,
      now,
      clockTolerance: second,
      maxLifetime: Number.MAX_SAFE_INTEGER,
    }
    const render = (place: StatusReference | undefined): string => {
      const claims = buildClaims(content, place && status.claim(place))
      this.#check.checkClaims(claims, expected)
      return JSON.stringify(claims)
    }
    const { token, publicKey } = await signCompact(keys, {
      typ: target.typ,
      life,
      watch,
      // After the key: what withdraws every key revokes every place too, and the key is looked at again behind it.
      payload: () => {
        if (open) return render(open.session.status)
        const held = status.places.forClient(client, life)
        return held instanceof Promise ? held.then(({ place }) => render(place)) : render(held.place)
      },
    })
    this.#check.checkToken(token, publicKey, expected)
    return token
  }
}
