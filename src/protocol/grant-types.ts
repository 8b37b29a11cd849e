/** The values of `grant_type` that the issuer knows (RFC 6749 §4.3, §4.4, §6). */
export const grantTypes = ['client_credentials', 'password', 'refresh_token'] as const

export type GrantType = (typeof grantTypes)[number]

export function isGrantType(value: string): value is GrantType {
  return (grantTypes as readonly string[]).includes(value)
}
