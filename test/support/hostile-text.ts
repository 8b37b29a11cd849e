/** What somebody would send to make a log say what did not happen, or a terminal do something. */
export const hostilePieces: readonly string[] = [
  '\n',
  '\r\n',
  '\r',
  '{"event":"forged"}',
  '\n{"level":30,"event":"forged"}\n',
  '"}\n{"event":"forged"}',
  '\\n{"event":"forged"}',
  '\u001b[2J\u001b[31m',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\u0085',
  '\u2028{"event":"forged"}',
  '\u2029',
  '\u202e\u2066\u2069',
  '\u200e\u200f\u061c',
  '\u200b\ufeff\u00ad',
  '\u0000',
  '\u0008\u0008\u0008',
  '\u007f',
  '\ud800',
  '\udfff',
  '\u{e0041}\u{e007f}',
  '\u{1f600}\u{1f468}\u200d\u{1f469}',
  '%0a%0d',
  '\\u000a',
  '__proto__',
  'ada',
  ' ',
  'x'.repeat(300),
]

/** The `index`th text of a sequence that goes through all pieces in all pairs and triples, and then on. */
export function hostileText(index: number): string {
  const count = hostilePieces.length
  let text = ''
  for (let rest = index; ; rest = Math.floor(rest / count)) {
    text += hostilePieces[rest % count]
    if (rest < count) return text
  }
}

/**
 * Whether a line of a log can be shown and cut apart by anything: no control character, no line end of Unicode, no
 * mark of direction and nothing else that nobody sees.
 */
export function isHarmless(line: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(line)
}
