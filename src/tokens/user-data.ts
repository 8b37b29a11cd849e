import type { JsonObject, JsonValue } from '../protocol/claims.ts'
import type { TokenUser } from './access-token.ts'
import { djangoUserId } from './claims-preset.ts'

/**
 * What a template of a client comes to for a user: a text that begins with `$` stands for something of the user,
 * everything else for itself. `$id`, `$username`, `$email` (null without one), `$user_id` (the id that Django knows)
 * and `$claims.NAME` (null where the user has no such claim); `$$` begins a text with one `$`.
 */
export function renderUserData(template: JsonObject, user: TokenUser): JsonObject {
  return Object.fromEntries(Object.entries(template).map(([name, value]) => [name, render(value, user)]))
}

/** The texts of a template that stand for nothing, for who reads it from an operator. */
export function findUnknownNames(template: unknown): readonly string[] {
  if (typeof template === 'string') return isKnown(template) ? [] : [template]
  if (typeof template !== 'object' || template === null) return []
  return Object.values(template).flatMap(findUnknownNames)
}

const claimPrefix = '$claims.'

function isKnown(text: string): boolean {
  if (!text.startsWith('$') || text.startsWith('$$')) return true
  if (text.startsWith(claimPrefix)) return text.length > claimPrefix.length
  return ['$id', '$username', '$email', '$user_id'].includes(text)
}

function render(value: JsonValue, user: TokenUser): JsonValue {
  if (typeof value === 'string') return renderText(value, user)
  if (Array.isArray(value)) return value.map((element) => render(element, user))
  return typeof value === 'object' && value !== null ? renderUserData(value as JsonObject, user) : value
}

function renderText(text: string, user: TokenUser): JsonValue {
  if (!text.startsWith('$')) return text
  if (text.startsWith('$$')) return text.slice(1)
  if (text.startsWith(claimPrefix)) {
    const name = text.slice(claimPrefix.length)
    return Object.hasOwn(user.claims, name) ? (user.claims[name] ?? null) : null
  }
  switch (text) {
    case '$id':
      return user.id
    case '$username':
      return user.username
    case '$email':
      return user.email
    case '$user_id':
      return djangoUserId({ user }).user_id ?? null
    default:
      return text
  }
}
