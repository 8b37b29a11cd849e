import { InvalidScopeError } from './errors.ts'

/** One scope: printable ASCII without space, quote and backslash (RFC 6749 §3.3). */
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/**
 * Splits a `scope` parameter into its scopes, in order, each once.
 * @throws {InvalidScopeError} when it does not follow RFC 6749 §3.3.
 */
export function parseScope(scope: string): readonly string[] {
  const scopes = scope.split(' ').filter((part) => part !== '')
  for (const part of scopes) {
    if (!scopeToken.test(part)) {
      throw new InvalidScopeError('A scope holds printable ASCII other than space, quote and backslash.')
    }
  }
  return [...new Set(scopes)]
}

/** The wire form of a list of scopes: joined by single spaces. */
export function formatScope(scopes: readonly string[]): string {
  return scopes.join(' ')
}

/** Whether every scope of `inner` stands in `outer`. */
export function isWithin(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.every((scope) => outer.includes(scope))
}
