import { InvalidArgumentError, type Option } from 'commander'
import { suggest } from '../lib/suggestion.ts'

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
