import { InvalidArgumentError, type Option } from 'commander'
import leven from 'leven'

/** Nobody mistypes a word into one of a thousand letters, and to compare such a one takes a while. */
const longest = 64

/** What was meant, in the words that the command line has for commands and options; empty where nothing is near. */
export function suggest(text: string, known: readonly string[]): string {
  if (text === '' || text.length > longest) return ''
  const typed = text.toLowerCase()
  const distances = known.map((word) => ({ word, distance: leven(typed, word.toLowerCase()) }))
  const [nearest] = distances.sort((a, b) => a.distance - b.distance)
  if (!nearest || nearest.distance > Math.max(2, nearest.word.length / 3)) return ''
  return `\n(Did you mean ${nearest.word}?)`
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
