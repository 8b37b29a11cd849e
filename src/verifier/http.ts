import { unref } from './backoff.ts'
import type { Fetch, HttpAnswer } from './fetch-like.ts'

export interface BoundedRequest {
  readonly headers?: Readonly<Record<string, string>>
  /** Makes it a POST. */
  readonly form?: string
  /** Of the body, in bytes. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** A whole answer, which is not larger than was allowed. */
export interface BoundedAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: Buffer
}

/** How long one exchange with the issuer may take, in milliseconds. */
export const exchangeTimeout = 5_000

/**
 * One exchange with the issuer: no redirects, at most five seconds, at most so many bytes.
 * @throws {Error} for anything but a whole answer, whatever its status
 */
export async function exchange(fetch: Fetch, url: string, request: BoundedRequest): Promise<BoundedAnswer> {
  const { form, maxBytes, signal } = request
  const deadline = new Deadline(exchangeTimeout, signal)
  try {
    const answer = await fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { ...request.headers },
      ...(form !== undefined && { body: form }),
      redirect: 'error',
      signal: deadline.signal,
    })
    return { status: answer.status, headers: answer.headers, body: await readBody(answer, maxBytes) }
  } finally {
    deadline.clear()
  }
}

/** Aborts after so many milliseconds, or when another signal does. Node 20 collects what `AbortSignal.any` makes. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #timer: ReturnType<typeof setTimeout>
  readonly #outer: AbortSignal
  readonly #abort = () => this.#controller.abort()

  constructor(milliseconds: number, outer: AbortSignal) {
    this.#outer = outer
    this.#timer = unref(
      setTimeout(() => this.#controller.abort(new Error('It took too long.')), milliseconds),
    )
    if (outer.aborted) this.#controller.abort()
    outer.addEventListener('abort', this.#abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** It was in time; only the other signal counts from here on. */
  meet(): void {
    clearTimeout(this.#timer)
  }

  abort(): void {
    this.clear()
    this.#controller.abort()
  }

  clear(): void {
    this.meet()
    this.#outer.removeEventListener('abort', this.#abort)
  }
}

async function readBody({ body, headers }: HttpAnswer, maxBytes: number): Promise<Buffer> {
  if (body === null) return Buffer.alloc(0)
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = Number(headers.get('content-length') ?? 0) > maxBytes ? Number.POSITIVE_INFINITY : 0
  while (length <= maxBytes) {
    const { done, value } = await reader.read()
    if (done || value === undefined) return Buffer.concat(chunks)
    chunks.push(value)
    length += value.byteLength
  }
  await reader.cancel().catch(() => undefined)
  throw new Error(`The answer is larger than ${maxBytes} bytes.`)
}

/** HTTP Basic credentials, form-encoded inside (RFC 6749 §2.3.1). */
export function basicCredentials(client: {
  readonly clientId: string
  readonly clientSecret: string
}): string {
  const text = [client.clientId, client.clientSecret].map((part) => encodeURIComponent(part)).join(':')
  return `Basic ${Buffer.from(text).toString('base64')}`
}

/** What went wrong, for whoever watches: no URL, no token, no secret is in these messages. */
export function describeProblem(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { cause } = error
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? `${error.message} (${code})` : error.message
}
