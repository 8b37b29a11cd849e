import type { Context, Middleware } from 'koa'

/** A request that has been answered. Each member but the time has few values, whoever asks for whatever. */
export interface AnsweredRequest {
  /** `_OTHER` where it is none of the usual ones, as OpenTelemetry says it. */
  readonly method: string
  /** The pattern of the route, such as `/status-lists/:id`; `none` where there was no such route. */
  readonly route: string
  readonly status: number
  /** The code of the OAuth error that was answered. */
  readonly error: string | undefined
  /** From the head of the request to the answer being ready, in seconds. */
  readonly seconds: number
}

/** Is told of requests. */
export interface RequestObserver {
  began(): void
  answered(request: AnsweredRequest): void
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Lets `observer` know of each request. Stands outside of what answers errors. */
export function observeRequests(observer: RequestObserver): Middleware {
  return async (context, next) => {
    const began = performance.now()
    observer.began()
    try {
      await next()
    } finally {
      observer.answered({
        method: methodOf(context),
        route: routeOf(context) ?? 'none',
        status: context.status,
        error: context.state['error'],
        seconds: (performance.now() - began) / 1_000,
      })
    }
  }
}

export function methodOf(context: Context): string {
  return methods.has(context.method) ? context.method : '_OTHER'
}

/** The pattern of the route that answered; undefined when none did. */
export function routeOf(context: Context): string | undefined {
  const { _matchedRoute: route } = context as { readonly _matchedRoute?: unknown }
  return typeof route === 'string' ? route : undefined
}
