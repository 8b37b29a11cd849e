import type { Context } from 'koa'

/** Aborts when the connection that asked has closed, so that nobody waits for the answer any more. */
export function whenGone({ res: response }: Context): AbortSignal {
  const gone = new AbortController()
  if (response.destroyed) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}
