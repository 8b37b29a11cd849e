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
