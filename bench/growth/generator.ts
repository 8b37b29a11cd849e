/**
 * The load generator: a process of its own that runs the phases it is sent and reports what it saw. Every answer is
 * checked, and the first wrong one ends the phase.
 */
import { answerParent } from '../answering.ts'
import { renderHead, renderPost } from '../load/connection.ts'
import { type Client, openConnections, runStretch } from '../load/stretch.ts'
import type { GrowthPhase, GrowthResult, Line } from './phase.ts'

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

  function clientOf(first: number): Client {
    let position = first
    return {
      next() {
        const { authorization, form } = lineAt(position)
        return renderPost(renderHead(port, authorization), form)
      },
      take({ status, body }) {
        current[position] = follow(lineAt(position), status, body)
        position += connections
        if (position >= current.length) position = first
      },
    }
  }

  function lineAt(position: number): Line {
    const line = current[position]
    if (line === undefined) throw new RangeError(`There is no line ${position}.`)
    return line
  }

  const open = await openConnections(port, connections)
  const stretch = await runStretch(open, milliseconds, clientOf)
  return { ...stretch, lines: current }
}

answerParent(runPhase)
