import { type Command, InvalidArgumentError } from 'commander'
import { AdminError } from '../admin/admin-error.ts'
import { parseDuration } from '../lib/durations.ts'
import type { JsonObject } from '../protocol/claims.ts'
import { type GrantType, grantTypes } from '../protocol/grant-types.ts'
import { parseScope } from '../protocol/scopes.ts'
import { checkChoice } from './suggestion.ts'

/** As {@link durationOption}, and `default` gives up a value of one's own. */
export function ownDurationOption(text: string): OwnDuration {
  // Not null, of which commander would make an empty text.
  return text === 'default' ? text : durationOption(text)
}

export type OwnDuration = number | 'default'

/** What {@link ownDurationOption} read, as a setting: null is the installation's. */
export function toOwnLife(option: OwnDuration | undefined): number | null | undefined {
  return option === 'default' ? null : option
}

/** Reads the value of an option that is a duration, into milliseconds. */
export function durationOption(text: string): number {
  const value = parseDuration(text)
  if (value === undefined)
    throw new InvalidArgumentError('Expected a duration such as 500ms, 10s, 15m, 12h or 7d.')
  return value
}

export function portOption(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65_535)
    throw new InvalidArgumentError('Expected a port from 0 to 65535.')
  return value
}

/** A number of things that is at least one. */
export function countOption(text: string): number {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text) || value === 0) {
    throw new InvalidArgumentError('Expected a whole number from 1 to 999999999.')
  }
  return value
}

/** A moment, as milliseconds since the epoch: a date, a time, or how long ago it was. */
export function momentOption(text: string): number {
  const ago = parseDuration(text)
  if (ago !== undefined) return Date.now() - ago
  const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError(
      'Expected a date (2026-01-31, which begins in UTC), a time (2026-01-31T12:00:00Z), or how long ago (7d).',
    )
  }
  return at
}

export function scopeOption(text: string): readonly string[] {
  try {
    return text === '' ? [] : parseScope(text)
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error))
  }
}

/** One of several `--grant` options. */
export function grantOption(text: string, before: readonly GrantType[] = []): readonly GrantType[] {
  return [...new Set([...before, checkChoice(text, grantTypes)])]
}

/** One of several options of a kind, or several words in one. */
export function listOption(text: string, before: readonly string[] = []): readonly string[] {
  return [...new Set([...before, text])]
}

export function claimsOption(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('Expected a JSON object, such as {"role":"editor"}.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError('Expected a JSON object, such as {"role":"editor"}.')
  }
  return value as JsonObject
}

export function switchOption(text: string): boolean {
  return checkChoice(text, ['on', 'off']) === 'on'
}

/** A text that says something: an unset shell variable is not taken for the name of a file. */
export function textOption(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected something, not nothing.')
  return text
}

/** Options that may stand more than once. Of any other the last would silently win over the first. */
const repeatable: ReadonlySet<unknown> = new Set([grantOption, listOption])

/** Makes each option of a command that takes one value refuse a second one. */
export function refuseRepetition(command: Command): void {
  for (const option of command.options) {
    if (option.isBoolean() || repeatable.has(option.parseArg)) continue
    let seen = false
    command.on(`option:${option.name()}`, () => {
      if (seen) command.error(`error: option '${option.flags}' is given twice`, { exitCode: 2 })
      seen = true
    })
  }
}

/** Far longer than any secret or token may be. */
const largestSecret = 64 * 1_024

/**
 * A secret comes through stdin, where neither `ps` nor the shell's history sees it; one line break at its end is cut.
 * @param what it is to be, for the error.
 */
export async function readSecretFromStdin(what = 'password'): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += chunk.length
    if (size > largestSecret) throw new AdminError(`What stdin holds is too long for a ${what}.`)
    chunks.push(chunk)
  }
  try {
    // Bytes that are no text would all become the same character, and so would the passwords made of them.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks))
    return text.replace(/\r?\n$/, '')
  } catch (cause) {
    throw new AdminError('What stdin holds is not text in UTF-8.', { cause })
  }
}

/** Takes what was not given out, so that it is told apart from what was given as nothing. */
export function given<T extends object>(options: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
