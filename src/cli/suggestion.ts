import { InvalidArgumentError, type Option } from 'commander'
import { closestMatch } from 'leven'

/** What was meant, in the words that the command line has for commands and options; empty where nothing is near. */
export function suggest(text: string, known: readonly string[]): string {
  // Nobody mistypes a thousand letters, and to compare them takes a while.
  const near = text.length > 64 ? undefined : closestMatch(text.toLowerCase(), known, { maxDistance: 4 })
  const isNear = near !== undefined && (near.startsWith(text.toLowerCase()) || distanceIsSmall(text, near))
  return isNear && text !== '' ? `\n(Did you mean ${near}?)` : ''
}

function distanceIsSmall(text: string, near: string): boolean {
  return closestMatch(text.toLowerCase(), [near], { maxDistance: Math.ceil(near.length / 3) }) !== undefined
}

/** Lets an option take one of some values, and says which was meant where it is none. */
export function chosenFrom(option: Option, values: readonly string[]): Option {
  return option.choices(values).argParser((text: string) => checkChoice(text, values))
}

/** @throws {InvalidArgumentError} that lists the values when the text is none of them. */
export function checkChoice<const Value extends string>(text: string, values: readonly Value[]): Value {
  const chosen = values.find((value) => value === text)
  if (chosen !== undefined) return chosen
  throw new InvalidArgumentError(`Allowed choices are ${values.join(', ')}.${suggest(text, values)}`)
}
