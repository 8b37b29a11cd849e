import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node'
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'

/** For `node --import`: a real OpenTelemetry SDK, which writes each span to stderr as a line of JSON. */
const exporter: SpanExporter = {
  export(spans, done) {
    for (const span of spans) process.stderr.write(`${JSON.stringify({ span: describe(span) })}\n`)
    done({ code: 0 })
  },
  shutdown: async () => undefined,
}

function describe(span: ReadableSpan) {
  const { traceId, spanId } = span.spanContext()
  return {
    name: span.name,
    kind: span.kind,
    traceId,
    spanId,
    parent: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    status: span.status,
    events: span.events,
  }
}

new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
