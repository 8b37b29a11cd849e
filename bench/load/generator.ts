/**
 * The load generator: a process of its own that runs the phases it is sent and reports what it saw. Every answer is
 * checked, and the first wrong one ends the phase.
 */
import { answerParent } from '../answering.ts'
import { readCpuTime } from '../process-usage.ts'
import type { Phase, PhaseResult } from './phase.ts'
import { renderRequest } from './rendering.ts'
import { type Client, openConnections, runStretch } from './stretch.ts'

async function runPhase(phase: Phase): Promise<PhaseResult> {
  const { port, pid, request, connections, milliseconds, leadIn } = phase
  if (phase.refreshTokens.length > 0 && phase.refreshTokens.length < connections) {
    throw new RangeError('Every connection needs a session of its own.')
  }
  const render = renderRequest(port, request)
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

  function clientOf(index: number): Client {
    const line = lines[index] ?? []
    let turn = 0
    let presented: string | undefined
    return {
      next() {
        presented = line[turn % Math.max(1, line.length)]
        return render(presented ?? '')
      },
      take({ status, body }) {
        const tokens = status === 200 ? JSON.parse(body) : {}
        const accessToken: unknown = tokens[request.accessToken]
        if (typeof accessToken !== 'string') throw new Error(`Expected a token, got ${status} ${body}`)
        accessTokens[index] = accessToken
        if (presented === undefined) {
          remember(accessToken.slice(-64))
          return
        }
        const successor: unknown = tokens[request.refreshToken ?? '']
        if (typeof successor !== 'string') throw new Error(`A refresh without a successor: ${body}`)
        remember(successor)
        line[turn++ % line.length] = successor
      },
    }
  }

  const open = await openConnections(port, connections)
  let before = readCpuTime(pid)
  const onEnd = () => {
    before = readCpuTime(pid)
  }
  const stretch = await runStretch(open, milliseconds, clientOf, { milliseconds: leadIn, onEnd })
  return { ...stretch, before, after: readCpuTime(pid), refreshTokens: lines.flat(), accessTokens }
}

answerParent(runPhase)
