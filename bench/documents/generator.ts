/** The load: a process of its own that sends one request over and over and checks every answer. */
import { Connection, renderHead } from '../load/connection.ts'
import { percentile } from '../statistics.ts'
import type { DocumentPhase, DocumentReport, DocumentResult } from './phase.ts'

async function runPhase(phase: DocumentPhase): Promise<DocumentResult> {
  const { port, request, body, connections, milliseconds } = phase
  const head = renderHead(port, phase.authorization).replace('/oauth2/token', '/oauth2/introspect')
  const latencies: number[] = []
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)))
  const began = performance.now()
  const drive = async (connection: Connection) => {
    while (performance.now() < began + milliseconds) {
      const sent = performance.now()
      const answer = await (request.method === 'GET'
        ? connection.get(request.key)
        : connection.post(head, request.key))
      latencies.push(performance.now() - sent)
      if (answer.status !== 200 || answer.body !== body) {
        throw new Error(`${request.name}: got ${answer.status} ${answer.body}`)
      }
    }
  }
  try {
    await Promise.all(open.map(drive))
  } finally {
    for (const connection of open) connection.close()
  }
  return {
    requests: latencies.length,
    milliseconds: performance.now() - began,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  }
}

process.on('message', (phase: DocumentPhase) => {
  runPhase(phase).then(
    (result) => process.send?.({ result } satisfies DocumentReport),
    (error: unknown) => process.send?.({ failure: String(error) } satisfies DocumentReport),
  )
})
