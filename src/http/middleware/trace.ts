import type { Tracer } from '@opentelemetry/api'
import type { Middleware } from 'koa'
import { methodOf, routeOf } from './observe.ts'

/** The OpenTelemetry API and the tracer that it gave. */
export interface Tracing {
  readonly api: typeof import('@opentelemetry/api')
  readonly tracer: Tracer
}

/**
 * A server span per request, below the span that `traceparent` names (OpenTelemetry's semantic conventions for HTTP).
 * It holds nothing that a stranger can choose: no query, no header, and no path that is not a route's.
 */
export function traceRequests({ api, tracer }: Tracing): Middleware {
  const { context: contexts, propagation, SpanKind, SpanStatusCode } = api
  return (context, next) => {
    const method = methodOf(context)
    const parent = propagation.extract(contexts.active(), context.headers)
    const options = { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } }
    return tracer.startActiveSpan(method === '_OTHER' ? 'HTTP' : method, options, parent, async (span) => {
      try {
        await next()
      } finally {
        const route = routeOf(context)
        if (route !== undefined) {
          span.updateName(`${method} ${route}`)
          span.setAttributes({ 'http.route': route, 'url.path': context.path })
        }
        span.setAttribute('http.response.status_code', context.status)
        if (context.status >= 500) {
          span.setStatus({ code: SpanStatusCode.ERROR })
          span.setAttribute('error.type', String(context.status))
        }
        span.end()
      }
    })
  }
}
