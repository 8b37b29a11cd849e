/**
 * The load generator: a process of its own that runs the phases it is sent and reports what it saw. Every answer is
 * checked, and the first wrong one ends the phase.
 */
import { percentile } from '../statistics.ts'
import { Connection, renderHead } from './connection.ts'
import type { LoadReport, Phase, PhaseResult } from './phase.ts'

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
}

function readTokens(status: number, body: string): Tokens {
  const tokens: Partial<Tokens> = status === 200 ? JSON.parse(body) : {}
  const { access_token, refresh_token } = tokens
  if (typeof access_token !== 'string') throw new Error(`Expected a token, got ${status} ${body}`)
  return { access_token, ...(refresh_token !== undefined && { refresh_token }) }
}

async function runPhase(phase: Phase): Promise<PhaseResult> {
  const { port, connections, milliseconds } = phase
  if (phase.refreshTokens.length > 0 && phase.refreshTokens.length < connections) {
    throw new RangeError('Every connection needs a session of its own.')
  }
  const head = renderHead(port, phase.authorization)
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
      const form =
        presented === undefined
          ? 'grant_type=client_credentials'
          : `grant_type=refresh_token&refresh_token=${presented}`
      const sent = performance.now()
      const { status, body } = await connection.post(head, form)
      latencies.push(performance.now() - sent)
      const tokens = readTokens(status, body)
      accessTokens[index] = tokens.access_token
      if (presented === undefined) {
        remember(tokens.access_token.slice(-64))
        continue
      }
      if (tokens.refresh_token === undefined) throw new Error(`A refresh without a successor: ${body}`)
      remember(tokens.refresh_token)
      line[position] = tokens.refresh_token
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
