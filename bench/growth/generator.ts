/**
 * The load generator: a process of its own that runs the phases it is sent and reports what it saw. Every answer is
 * checked, and the first wrong one ends the phase.
 */
import { Connection, renderHead } from '../load/connection.ts'
import { percentile } from '../statistics.ts'
import type { GrowthPhase, GrowthReport, GrowthResult, Line } from './phase.ts'

const refreshing = 'grant_type=refresh_token&refresh_token='

/** The form that redeems a refresh token. */
function follow({ authorization, form }: Line, status: number, body: string): Line {
  const tokens: Readonly<Record<string, unknown>> = status === 200 ? JSON.parse(body) : {}
  if (typeof tokens['access_token'] !== 'string') throw new Error(`Expected a token, got ${status} ${body}`)
  if (!form.startsWith(refreshing)) return { authorization, form }
  const successor = tokens['refresh_token']
  if (typeof successor !== 'string' || form.endsWith(successor)) {
    throw new Error(`A refresh without a successor: ${body}`)
  }
  return { authorization, form: refreshing + successor }
}

async function runPhase({ port, connections, milliseconds, lines }: GrowthPhase): Promise<GrowthResult> {
  if (lines.length < connections) throw new RangeError('Every connection needs a line of its own.')
  const current = [...lines]
  const latencies: number[] = []

  async function drive(connection: Connection, first: number, deadline: number) {
    for (let position = first; performance.now() < deadline; position += connections) {
      if (position >= current.length) position = first
      const line = current[position]
      if (line === undefined) return
      const head = renderHead(port, line.authorization)
      const sent = performance.now()
      const { status, body } = await connection.post(head, line.form)
      latencies.push(performance.now() - sent)
      current[position] = follow(line, status, body)
    }
  }

  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)))
  const began = performance.now()
  try {
    await Promise.all(open.map((connection, index) => drive(connection, index, began + milliseconds)))
  } finally {
    for (const connection of open) connection.close()
  }
  return {
    requests: latencies.length,
    milliseconds: performance.now() - began,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    most: percentile(latencies, 1),
    lines: current,
  }
}

process.on('message', (phase: GrowthPhase) => {
  runPhase(phase).then(
    (result) => process.send?.({ result } satisfies GrowthReport),
    (error: unknown) => process.send?.({ failure: String(error) } satisfies GrowthReport),
  )
})
