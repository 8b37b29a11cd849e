/**
 * The load generator: a process of its own that runs the phases it is sent and reports what it saw. Every answer is
 * checked, and the first wrong one ends the phase.
 */
import { percentile } from '../statistics.ts'
import { Connection } from './connection.ts'
import type { LoadReport, Phase, PhaseResult } from './phase.ts'
import { renderRequest } from './rendering.ts'

async function runPhase(phase: Phase): Promise<PhaseResult> {
  const { port, request, connections, milliseconds } = phase
  if (phase.refreshTokens.length > 0 && phase.refreshTokens.length < connections) {
    throw new RangeError('Every connection needs a session of its own.')
  }
  const render = renderRequest(port, request)
  const latencies: number[] = []
  const seen = new Set(phase.refreshTokens)
  const accessTokens: string[] = []
  // Each connection redeems sessions of its own in turn, as many clients behind one proxy would.
  const lines = Array.from({ length: connections }, (_, index) =>
    phase.refreshTokens.filter((_token, position) => position % connections === index),
  )

  function remember(token: string): void {
    if (seen.has(token)) throw new Error(`The same token was given out twice: ${token}`)
    seen.add(token)
  }

  async function drive(connection: Connection, line: string[], index: number, deadline: number) {
    for (let turn = 0; performance.now() < deadline; turn++) {
      const position = turn % Math.max(1, line.length)
      const presented = line[position]
      const text = render(presented ?? '')
      const sent = performance.now()
      const { status, body } = await connection.send(text)
      latencies.push(performance.now() - sent)
      const tokens = status === 200 ? JSON.parse(body) : {}
      const accessToken: unknown = tokens[request.accessToken]
      if (typeof accessToken !== 'string') throw new Error(`Expected a token, got ${status} ${body}`)
      accessTokens[index] = accessToken
      if (presented === undefined) {
        remember(accessToken.slice(-64))
        continue
      }
      const successor: unknown = tokens[request.refreshToken ?? '']
      if (typeof successor !== 'string') throw new Error(`A refresh without a successor: ${body}`)
      remember(successor)
      line[position] = successor
    }
  }

  const open = await Promise.all(lines.map(() => Connection.open(port)))
  const began = performance.now()
  try {
    await Promise.all(
      open.map((connection, index) => drive(connection, lines[index] ?? [], index, began + milliseconds)),
    )
  } finally {
    for (const connection of open) connection.close()
  }
  return {
    requests: latencies.length,
    milliseconds: performance.now() - began,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    refreshTokens: lines.flat(),
    accessTokens,
  }
}

process.on('message', (phase: Phase) => {
  runPhase(phase).then(
    (result) => process.send?.({ result } satisfies LoadReport),
    (error: unknown) => process.send?.({ failure: String(error) } satisfies LoadReport),
  )
})
