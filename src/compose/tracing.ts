import type { Tracing } from '../http/middleware/trace.ts'
import type { Step, Watch } from '../lib/watch.ts'

/** Where every copy of the OpenTelemetry API looks for the SDK that a process has registered. */
const registered = Symbol.for('opentelemetry.js.api.1')

const spanNames: Readonly<Record<Step, string>> = {
  hash: 'hash password',
  sign: 'sign token',
  transaction: 'database transaction',
  redemption: 'database redemption',
}

/**
 * The OpenTelemetry API, when whoever started the process has preloaded an SDK; undefined otherwise, and nothing of it
 * is loaded then.
 */
export async function findTracing(): Promise<Tracing | undefined> {
  if (!(registered in globalThis)) return undefined
  const api = await import('@opentelemetry/api')
  return { api, tracer: api.trace.getTracer('mintage') }
}

/** Watches each step with a span. What failed is told by the name of its error alone, for a message may quote. */
export function traceSteps({ api, tracer }: Tracing): Watch {
  return (step, work) =>
    tracer.startActiveSpan(spanNames[step], async (span) => {
      try {
        return await work()
      } catch (error) {
        span.setStatus({ code: api.SpanStatusCode.ERROR })
        span.setAttribute('error.type', error instanceof Error ? error.name : '_OTHER')
        throw error
      } finally {
        span.end()
      }
    })
}
