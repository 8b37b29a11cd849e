/** The longest quotation, in UTF-16 units; a name that was mistaken for a file should not fill the screen. */
const longest = 100

/** A name as an error says it: in quotes, on one line, cut where it is long, and nothing in it that a terminal obeys. */
export function quote(name: string): string {
  const shown = name.length > longest ? `${name.slice(0, longest)}…` : name
  return JSON.stringify(shown).replace(/[\u007F-\u009F\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
