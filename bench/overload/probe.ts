/** Somebody who has nothing to do with the crowd: a process of its own, so that it does not wait for the crowd's arithmetic. */
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent } from '../answering.ts'
import { type Answer, Connection, renderHead } from '../load/connection.ts'
import type { ProbePhase, ProbeResult } from './phase.ts'
import { summarise } from './sender.ts'

/** Between two probes, so that probing is no load of its own, in milliseconds. */
const pause = 10

async function run(phase: ProbePhase): Promise<ProbeResult> {
  const deadline = performance.now() + phase.milliseconds
  const connection = await Connection.open(phase.port)
  const head = renderHead(phase.port, phase.authorization)
  const jwks: number[] = []
  const refresh: number[] = []
  let { refreshToken } = phase
  let repeated = 0
  const time = async (ask: () => Promise<Answer>, into: number[]) => {
    const sent = performance.now()
    const answer = await ask()
    if (answer.status === 200) into.push(performance.now() - sent)
    await delay(pause)
    return answer
  }
  while (performance.now() < deadline) {
    const keys = await time(() => connection.get('/.well-known/jwks.json'), jwks)
    if (keys.status !== 200) throw new Error(`The JWKS was answered with ${keys.status}.`)
    const form = `grant_type=refresh_token&refresh_token=${refreshToken}`
    const { status, body } = await time(() => connection.post(head, form), refresh)
    if (status === 503) {
      repeated++
      continue
    }
    const { refresh_token: successor } = JSON.parse(body)
    if (typeof successor !== 'string') throw new Error(`A refresh was answered with ${status} ${body}`)
    refreshToken = successor
  }
  connection.close()
  return { jwks: summarise(jwks), refresh: summarise(refresh), repeated, refreshToken }
}

answerParent(run)
