/** Bytes as text, or what Python's codec says of them. */
export type DecodedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string }

/** What may follow the first byte of a character (Unicode, table 3-7), where that is not any of `80` to `BF`. */
const seconds: Readonly<Record<number, readonly [least: number, most: number]>> = {
  224: [0xa0, 0xbf],
  237: [0x80, 0x9f],
  240: [0x90, 0xbf],
  244: [0x80, 0x8f],
}

/** Decodes as Python's stream reader does: a character that is cut off at the end is left out. */
export function decodeUtf8(bytes: Uint8Array): DecodedText {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    return { ok: true, text: strict.decode(bytes) }
  } catch {
    const problem = findProblem(bytes)
    if (typeof problem === 'string') return { ok: false, problem }
    return { ok: true, text: strict.decode(bytes.subarray(0, problem)) }
  }
}

/** The first mistake in Python's words, or where the character begins that is cut off. */
function findProblem(bytes: Uint8Array): string | number {
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0
    const length =
      first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
    if (length === 0) return describe(bytes, at, 1, 'invalid start byte')
    for (let offset = 1; offset < length; offset++) {
      const byte = bytes[at + offset]
      if (byte === undefined) return at
      const [least, most] = (offset === 1 ? seconds[first] : undefined) ?? [0x80, 0xbf]
      if (byte < least || byte > most) return describe(bytes, at, offset, 'invalid continuation byte')
    }
    at += length
  }
  return bytes.length
}

function describe(bytes: Uint8Array, at: number, length: number, reason: string): string {
  const hex = (bytes[at] ?? 0).toString(16).padStart(2, '0')
  const which =
    length === 1 ? `byte 0x${hex} in position ${at}` : `bytes in position ${at}-${at + length - 1}`
  return `'utf-8' codec can't decode ${which}: ${reason}`
}
