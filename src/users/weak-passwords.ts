import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'

type Matches = ReturnType<ZxcvbnFactory['check']>['sequence']

/** In UTF-16 units. Nothing on a list is longer, and finding patterns takes more than linear time. */
const longestCompared = 64

/** So many common passwords in a row are still as easily guessed as one. */
const mostCommonParts = 2

/** Characters that nobody has to guess: one before and one behind, or what stands between two words. */
const mostLooseCharacters = 2

/** So many characters have to be there besides the names of its owner (the least that NIST SP 800-63B-4 lets a password be). */
const leastUnknown = 8

/** What a password is made of, where it is made of nothing that has to be guessed. */
export type Weakness = 'common' | 'own-name'

let passwords: ZxcvbnFactory | undefined

/**
 * Whether a password is one of the tens of thousands that are tried first, or nothing but at most two of them, the
 * words in `own`, repetitions, runs of the keyboard or the alphabet, and dates (NIST SP 800-63B-4 §3.1.1.2: commonly
 * used, expected, context-specific). Case, spelling in leet and spelling backwards make no difference. A score counts for
 * nothing: three words that nobody expects are no weakness, however common each is.
 */
export function findWeakness(password: string, own: readonly string[]): Weakness | undefined {
  if (password.length > longestCompared) return undefined
  passwords ??= new ZxcvbnFactory({
    dictionary: { passwords: dictionary['passwords-common'] },
    graphs: adjacencyGraphs,
  })
  const words = [...new Set(own.map((word) => word.toLowerCase()))]
  return isMostly(words, password) ? 'own-name' : judge(passwords, password, words)
}

function judge(known: ZxcvbnFactory, password: string, own: readonly string[]): Weakness | undefined {
  const { sequence } = known.check(password, [...own])
  const isOwn = (match: Matches[number]) => match['dictionaryName'] === 'userInputs'
  const found = sequence.map((match): Weakness | 'unexpected' => {
    if (match.pattern === 'bruteforce')
      return match.token.length > mostLooseCharacters ? 'unexpected' : 'common'
    if (isOwn(match)) return 'own-name'
    // A repetition is worth what is repeated.
    const repeated: unknown = match['baseToken']
    if (match.pattern !== 'repeat' || typeof repeated !== 'string') return 'common'
    if (repeated.length <= mostLooseCharacters) return 'common'
    return judge(known, repeated, own) ?? 'unexpected'
  })
  if (found.includes('unexpected')) return undefined
  const common = sequence.filter((match) => match.pattern === 'dictionary' && !isOwn(match))
  if (common.length > mostCommonParts) return undefined
  return found.includes('own-name') ? 'own-name' : 'common'
}

/** Whether too little is left of a password without the names in it, which a stranger knows. */
function isMostly(own: readonly string[], password: string): boolean {
  let rest = password.toLowerCase()
  for (const name of [...own].sort((a, b) => b.length - a.length)) rest = rest.replaceAll(name, '')
  return rest.length < password.length && [...rest].length < leastUnknown
}
