import { BearerError } from './bearer-error.ts'

/** How a refused request is answered (RFC 6750 §3). */
export interface RefusalAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Undefined where no credentials came, since then no error is to be told (§3.1). */
  readonly body: { readonly error: string } | undefined
}

/** What is told where RFC 6750 has no code. */
const ownCodes: Readonly<Record<number, string>> = {
  403: 'cross_site_request',
  503: 'temporarily_unavailable',
}

/** The answer to a request that was refused; anything else than a refusal is thrown on. */
export function answerRefusal(error: unknown): RefusalAnswer {
  if (!(error instanceof BearerError)) throw error
  const { status, headers, code } = error
  const told = code ?? ownCodes[status]
  return { status, headers, body: told === undefined ? undefined : { error: told } }
}
