export { type ClaimsExpectation, checkAccessTokenClaims, type VerifiedClaims } from './access-token-claims.ts'
export {
  isRs256PublicKey,
  type JwsHeader,
  maxTokenLength,
  minModulusLength,
  parseCompactJws,
  type UnverifiedJws,
  verifyCompactJws,
} from './compact-jws.ts'
export { InvalidTokenError, type InvalidTokenReason } from './invalid-token-error.ts'
export type { JsonObject, JsonValue } from './json-object.ts'
