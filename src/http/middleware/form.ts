import type { Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import { InvalidRequestError } from '../../protocol/errors.ts'

/**
 * The body of an OAuth request, 64 KiB at most, one character for each byte: a parser of forms would fold repeated
 * parameters, and a decoder of UTF-8 would fold all that is no UTF-8 into one character.
 */
const options = {
  enableTypes: ['text'],
  extendTypes: { text: ['application/x-www-form-urlencoded'] },
  textLimit: '64kb',
  encoding: 'binary',
  onerror(error: Error) {
    if ('status' in error) throw error
    // Such as what zlib says of a body that is not compressed as it claims to be.
    throw new InvalidRequestError('The body could not be read.', { cause: error.message })
  },
}

const parse = bodyParser(options)
const mostBody = 65_536

export const readForm: Middleware = (context, next) => {
  // The parser reads the length as 32 bits, and would wait for the first bytes of a terabyte.
  if (Number(context.headers['content-length'] ?? 0) > mostBody) context.throw(413)
  return parse(context, next)
}
