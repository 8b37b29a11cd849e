import { type ClaimsPreset, findUserIdClaim, type JsonObject } from '../protocol/claims.ts'
import type { AccessTokenContent } from './access-token.ts'

/** What a kind of service asks of a token besides RFC 9068; never a protocol claim, which stand over it. */
export type ClaimsPresetFunction = (content: AccessTokenContent) => JsonObject

/** The presets that an API may ask for. */
export const presets: Readonly<Record<ClaimsPreset, ClaimsPresetFunction>> = {
  rfc9068: () => ({}),
  // What djangorestframework-simplejwt reads (`TOKEN_TYPE_CLAIM`, `USER_ID_CLAIM`).
  simplejwt: (content) => ({ token_type: 'access', ...djangoUserId(content) }),
}

/**
 * The id by which Django services know the user, a string as SimpleJWT writes it since 5.4: the one that the user had
 * there, or ours. A client's own token has none.
 */
export function djangoUserId({ user }: Pick<AccessTokenContent, 'user'>): { readonly user_id?: string } {
  return user ? { user_id: findUserIdClaim(user.claims) ?? user.id } : {}
}
