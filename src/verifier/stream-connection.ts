import type { IncomingMessage } from 'node:http'
import type { Fetch } from './fetch-like.ts'
import { Deadline, exchangeTimeout } from './http.ts'

/** The answer to a request for the event stream. */
export interface StreamConnection {
  readonly status: number
  header(name: string): string | undefined
  readonly chunks: AsyncIterable<Uint8Array>
  close(): void
}

/**
 * Opens the event stream. With Node's own client the socket keeps no process alive; with a `fetch` that was given, that
 * is its affair. No redirects; the head of the answer comes within five seconds.
 */
export function openStream(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  fetch: Fetch | undefined,
): Promise<StreamConnection> {
  return fetch ? openByFetch(url, headers, signal, fetch) : openByNode(url, headers, signal)
}

async function openByNode(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<StreamConnection> {
  // Only who follows a stream loads it; and a worker that brings its own fetch may not have it.
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, signal, agent: false })
    const late = setTimeout(
      () => sent.destroy(new Error('The event stream did not answer in time.')),
      exchangeTimeout,
    )
    late.unref()
    sent.on('socket', (socket) => socket.unref())
    sent.on('error', (error) => {
      clearTimeout(late)
      reject(error)
    })
    sent.on('response', (answer: IncomingMessage) => {
      clearTimeout(late)
      resolve({
        status: answer.statusCode ?? 0,
        header: (name) => {
          const value = answer.headers[name]
          return Array.isArray(value) ? value.join(', ') : value
        },
        chunks: answer,
        close: () => sent.destroy(),
      })
    })
    sent.end()
  })
}

async function openByFetch(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  fetch: Fetch,
): Promise<StreamConnection> {
  const deadline = new Deadline(exchangeTimeout, signal)
  const init = { method: 'GET', headers: { ...headers }, redirect: 'error', signal: deadline.signal } as const
  try {
    const answer = await fetch(url, init)
    deadline.meet()
    return {
      status: answer.status,
      header: (name) => answer.headers.get(name) ?? undefined,
      chunks: readChunks(answer.body),
      close: () => deadline.abort(),
    }
  } catch (error) {
    deadline.clear()
    throw error
  }
}

async function* readChunks(body: Awaited<ReturnType<Fetch>>['body']): AsyncGenerator<Uint8Array> {
  if (body === null) return
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done || value === undefined) return
    yield value
  }
}
