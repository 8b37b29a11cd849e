/** A text that is no JSON; the message is what Python says of it. */
class JsonError extends Error {}

/**
 * What Python's `json` (3.11) says of a text that `JSON.parse` refuses, for Django REST framework passes it on. Follows
 * CPython's `Modules/_json.c`, as far as it takes to find the first mistake.
 */
export function explainJsonError(text: string): string {
  if (text.length > longestExplained) return 'The body is no JSON.'
  try {
    new Scanner(text).scanDocument()
  } catch (error) {
    if (error instanceof JsonError) return error.message
    throw error
  }
  return 'The body could not be read.'
}

/** In characters. Finding the place takes longer than reading, so what no client sends is not looked through. */
const longestExplained = 8_192

/** Python gives up as well, at about the same depth. */
const deepest = 900

const words: Readonly<Record<string, string>> = { n: 'null', t: 'true', f: 'false' }
const infinities: Readonly<Record<string, string>> = { N: 'NaN', I: 'Infinity', '-': '-Infinity' }
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const space = /[ \t\n\r]*/y

class Scanner {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  scanDocument(): void {
    if (this.#text.startsWith('\ufeff')) throw this.#error('Unexpected UTF-8 BOM (decode using utf-8-sig)', 0)
    this.#take(space)
    this.#scanValue()
    this.#take(space)
    if (this.#at < this.#text.length) throw this.#error('Extra data', this.#at)
  }

  #scanValue(): void {
    const character = this.#text.charAt(this.#at)
    const word = words[character]
    const infinity = infinities[character]
    if (character === '"') this.#scanString()
    else if (character === '{') this.#scanNested(() => this.#scanObject())
    else if (character === '[') this.#scanNested(() => this.#scanArray())
    else if (word !== undefined && this.#text.startsWith(word, this.#at)) this.#at += word.length
    else if (infinity !== undefined && this.#text.startsWith(infinity, this.#at)) {
      throw new JsonError(`Out of range float values are not JSON compliant: '${infinity}'`)
    } else if (!this.#take(number)) throw this.#error('Expecting value', this.#at)
  }

  #scanNested(scan: () => void): void {
    if (++this.#depth > deepest) throw new JsonError('maximum recursion depth exceeded')
    this.#at++
    this.#take(space)
    scan()
    this.#at++
    this.#depth--
  }

  #scanObject(): void {
    if (this.#text.charAt(this.#at) === '}') return
    do {
      this.#expect('"', 'Expecting property name enclosed in double quotes')
      this.#scanString()
      this.#take(space)
      this.#expect(':', "Expecting ':' delimiter")
      this.#at++
    } while (!this.#isEndOfList('}'))
  }

  #scanArray(): void {
    if (this.#text.charAt(this.#at) === ']') return
    while (!this.#isEndOfList(']'));
  }

  /** Reads one value, and what must follow it: the end, or a comma and more. */
  #isEndOfList(end: string): boolean {
    this.#take(space)
    this.#scanValue()
    this.#take(space)
    if (this.#text.charAt(this.#at) === end) return true
    this.#expect(',', "Expecting ',' delimiter")
    this.#at++
    this.#take(space)
    return false
  }

  #scanString(): void {
    const begin = this.#at++
    for (;;) {
      const character = this.#text.charAt(this.#at)
      if (character === '') throw this.#error('Unterminated string starting at', begin)
      if (character < ' ') throw this.#error('Invalid control character at', this.#at)
      this.#at++
      if (character === '"') return
      if (character === '\\') this.#scanEscape(begin)
    }
  }

  #scanEscape(begin: number): void {
    const character = this.#text.charAt(this.#at)
    if (character === '') throw this.#error('Unterminated string starting at', begin)
    this.#at++
    if (character !== 'u') {
      if (!'"\\/bfnrt'.includes(character)) throw this.#error('Invalid \\escape', this.#at - 2)
      return
    }
    const digits = this.#text.slice(this.#at, this.#at + 4)
    // Four digits and a character after them, be it only the quote.
    const isWhole = this.#at + 4 < this.#text.length && /^[0-9a-f]{4}$/i.test(digits)
    if (!isWhole) throw this.#error('Invalid \\uXXXX escape', this.#at - 1)
    this.#at += 4
  }

  /** Goes past what matches here, and says whether anything does. */
  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const taken = pattern.test(this.#text)
    if (taken) this.#at = pattern.lastIndex
    return taken
  }

  #expect(character: string, message: string): void {
    if (this.#text.charAt(this.#at) !== character) throw this.#error(message, this.#at)
  }

  /** Python counts characters, not their halves. */
  #error(message: string, at: number): JsonError {
    const before = this.#text.slice(0, at)
    const lines = before.split('\n')
    const column = [...(lines.at(-1) ?? '')].length + 1
    return new JsonError(`${message}: line ${lines.length} column ${column} (char ${[...before].length})`)
  }
}
