/** The herd and the probes: a process of its own, so that its clients do not wait for one another's arithmetic. */
import { setTimeout as delay } from 'node:timers/promises'
import { answerParent } from '../answering.ts'
import { type Answer, Connection, renderHead } from '../load/connection.ts'
import { percentile } from '../statistics.ts'
import type { HerdPhase, HerdResult, ProbeTimes } from './phase.ts'

/** Between two probes, so that probing is no load of its own, in milliseconds. */
const pause = 5

function expectOk({ status, body }: Answer): string {
  if (status !== 200) throw new Error(`Expected 200, got ${status} ${body}`)
  return body
}

/** One client of the herd: it logs in, waits for the answer, and logs in again. */
async function logIn(phase: HerdPhase, deadline: number): Promise<number> {
  const connection = await Connection.open(phase.port)
  const head = renderHead(phase.port, phase.authorization)
  const form = `grant_type=password&username=ada&password=${encodeURIComponent(phase.password)}`
  let logins = 0
  while (performance.now() < deadline) {
    expectOk(await connection.post(head, form))
    if (performance.now() < deadline) logins++
  }
  connection.close()
  return logins
}

function summarise(times: readonly number[]): ProbeTimes {
  return { count: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

async function probe(
  phase: HerdPhase,
  deadline: number,
): Promise<Omit<HerdResult, 'logins' | 'milliseconds'>> {
  const connection = await Connection.open(phase.port)
  const head = renderHead(phase.port, phase.authorization)
  const jwks: number[] = []
  const refresh: number[] = []
  const time = async (into: number[], ask: () => Promise<Answer>) => {
    const sent = performance.now()
    const body = expectOk(await ask())
    into.push(performance.now() - sent)
    await delay(pause)
    return body
  }
  let { refreshToken } = phase
  while (performance.now() < deadline) {
    await time(jwks, () => connection.get('/.well-known/jwks.json'))
    const form = `grant_type=refresh_token&refresh_token=${refreshToken}`
    const { refresh_token: successor } = JSON.parse(await time(refresh, () => connection.post(head, form)))
    if (typeof successor !== 'string' || successor === refreshToken) throw new Error('No successor came.')
    refreshToken = successor
  }
  connection.close()
  return { jwks: summarise(jwks), refresh: summarise(refresh), refreshToken }
}

async function run(phase: HerdPhase): Promise<HerdResult> {
  const deadline = performance.now() + phase.milliseconds
  const [probed, ...logins] = await Promise.all([
    probe(phase, deadline),
    ...Array.from({ length: phase.clients }, () => logIn(phase, deadline)),
  ])
  const total = logins.reduce((sum, count) => sum + count, 0)
  return { ...probed, logins: total, milliseconds: phase.milliseconds }
}

answerParent(run)
