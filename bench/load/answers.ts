export interface Answer {
  readonly status: number
  readonly body: string
}

/** An answer that has arrived whole, where it ends in what was received, and whether the server closes behind it. */
export interface WholeAnswer extends Answer {
  readonly end: number
  readonly closes: boolean
}

/**
 * Reads the first HTTP/1.1 answer of what a connection received, in latin1 (a character is a byte).
 * @returns undefined while some of it is missing.
 * @throws when it has neither a length nor chunks (RFC 9112 §6): nobody could tell where it ends.
 */
export function readAnswer(received: string): WholeAnswer | undefined {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const head = received.slice(0, headEnd)
  const start = headEnd + 4
  const status = Number(head.slice(9, 12))
  const closes = /\r\nconnection: *close/i.test(head)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const end = start + Number(length)
    return received.length < end ? undefined : { status, body: received.slice(start, end), end, closes }
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) {
    throw new Error(`An answer with neither Content-Length nor chunks:\n${head}`)
  }
  const chunked = readChunks(received, start)
  return chunked && { status, ...chunked, closes }
}

/** RFC 9112 §7.1; trailers are skipped. */
function readChunks(received: string, start: number): { body: string; end: number } | undefined {
  let body = ''
  for (let at = start; ; ) {
    const lineEnd = received.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(received.slice(at, lineEnd), 16)
    if (!Number.isInteger(size)) throw new Error(`A chunk without a size: ${received.slice(at, lineEnd)}`)
    if (size === 0) {
      // The line end of the last chunk is the first half of the empty line, unless trailers stand between.
      const end = received.indexOf('\r\n\r\n', lineEnd)
      return end === -1 ? undefined : { body, end: end + 4 }
    }
    const next = lineEnd + 2 + size + 2
    if (received.length < next) return undefined
    body += received.slice(lineEnd + 2, next - 2)
    at = next
  }
}
