import { InvalidScopeError } from './errors.ts'

/** One scope: printable ASCII without space, quote and backslash (RFC 6749 §3.3). */
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/** Splits what {@link formatScope} joined; nothing gives none. */
export function splitScope(scope: string): readonly string[] {
  return [...new Set(scope.split(' ').filter((part) => part !== ''))]
}

/**
 * Splits a `scope` parameter into its scopes, in order, each once.
 * @throws {InvalidScopeError} when it does not follow RFC 6749 §3.3, as a blank one does not.
 */
export function parseScope(scope: string): readonly string[] {
  const scopes = splitScope(scope)
  if (scopes.length === 0) throw new InvalidScopeError('The scope is blank; leave it out for the default.')
  for (const part of scopes) {
    if (!scopeToken.test(part)) {
      throw new InvalidScopeError('A scope holds printable ASCII other than space, quote and backslash.')
    }
  }
  return scopes
}

/** The wire form of a list of scopes: joined by single spaces. */
export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ')
}

/** Whether every scope of `inner` stands in `outer`. */
export function isWithin(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.every((scope) => outer.includes(scope))
}
