import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import { InvalidRequestError } from '../../protocol/errors.ts'
import { formType, isUsualForm } from '../oauth2/parameters.ts'

/**
 * The body of an OAuth request, 64 KiB at most, one character for each byte: a parser of forms would fold repeated
 * parameters, and a decoder of UTF-8 would fold all that is no UTF-8 into one character.
 */
const options = {
  enableTypes: ['text'],
  extendTypes: { text: [formType] },
  textLimit: '64kb',
  encoding: 'binary',
  onerror(error: Error) {
    if ('status' in error) throw error
    // Such as what zlib says of a body that is not compressed as it claims to be.
    throw new InvalidRequestError('The body could not be read.', { cause: error.message })
  },
}

let parser: Promise<Middleware> | undefined

/** Not before it is needed: it brings a table of every encoding that there is. */
async function loadParser(): Promise<Middleware> {
  const { default: bodyParser } = await import('koa-bodyparser')
  return bodyParser(options)
}

const mostBody = 65_536

/**
 * Reads what nearly every client sends, a form of a known length as it is, without a detour; the parser takes all else:
 * compressed bodies, those of unknown length, and other spellings of the type.
 */
export const readForm: Middleware = async (context, next) => {
  const { headers } = context.req
  const length = Number(headers['content-length'] ?? 0)
  // The parser reads the length as 32 bits, and would wait for the first bytes of a terabyte.
  if (length > mostBody) context.throw(413)
  const isPlain = length > 0 && isUsualForm(headers['content-type']) && !('content-encoding' in headers)
  if (!isPlain) {
    parser ??= loadParser()
    const parse = await parser
    return parse(context, next)
  }
  context.request.body = await readBytes(context.req)
  return next()
}

/** Reads a body whose length the HTTP parser sees to. @throws {InvalidRequestError} when the client goes away. */
function readBytes(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1')
    })
    request.on('end', () => resolve(body))
    request.on('error', (cause) => reject(new InvalidRequestError('The body could not be read.', { cause })))
  })
}
