import type { Context } from 'koa'
import type { GrantPipeline } from '../../grants/pipeline.ts'
import { InvalidRequestError } from '../../protocol/errors.ts'
import type { Mint } from '../../tokens/mint.ts'
import { readCredentials } from './credentials.ts'
import { readParameters } from './parameters.ts'

/** An `Idempotency-Key` is any short visible ASCII. */
const idempotencyKey = /^[\x21-\x7E]{1,255}$/

/** `POST /oauth2/token` (RFC 6749 §3.2). */
export function tokenEndpoint(pipeline: GrantPipeline, mint: Mint): (context: Context) => Promise<void> {
  return async (context) => {
    const parameters = readParameters(context)
    const authorization = await pipeline.authorize({
      credentials: readCredentials(context.headers.authorization, parameters),
      parameters,
      idempotencyKey: readIdempotencyKey(context),
    })
    context.body = await mint.issue(authorization)
  }
}

function readIdempotencyKey(context: Context): string | undefined {
  const key = context.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && idempotencyKey.test(key)) return key
  throw new InvalidRequestError('An Idempotency-Key is 1 to 255 visible ASCII characters.')
}
