import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../support/child-issuer.ts'
import { type CheckName, checks, type Outcome } from './checks.ts'
import { audienceOf } from './issuers.ts'
import type { Example } from './manifest.ts'
import { type Program, startProgram } from './running.ts'

/** How long an example may take until it answers at all, in milliseconds. */
const startDeadline = 180_000
/** How often another port is tried: somebody may take one between its choice and the start. */
const attempts = 3
const answerDeadline = 30_000

/** A verifier example that answers. */
export interface RunningVerifier {
  readonly example: Example
  readonly audience: string
  /**
   * Presents a token, or none, until the answer is the expected one, for at most `patience` milliseconds. Without any, a
   * 503 is asked again nevertheless: it says that nobody can tell yet.
   */
  check(name: CheckName, token: string | undefined, patience?: number): Promise<Outcome>
  /** The end of what it wrote. */
  output(): string
  end(): Promise<void>
}

/** Starts an example and waits until it answers anything. Throws with its last output when it does not. */
export async function startVerifier(
  example: Example,
  environment: Readonly<Record<string, string>>,
): Promise<RunningVerifier> {
  const audience = audienceOf(example)
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort()
    const program = startProgram(example.start, {
      directory: example.directory,
      environment: { ...environment, AUDIENCE: audience, PORT: String(port) },
    })
    const url = `http://127.0.0.1:${port}/orders`
    const problem = await waitForAnswer(url, program)
    if (problem === undefined) return makeVerifier(example, audience, url, program)
    await program.end()
    const isTaken = /in use|EADDRINUSE|could not bind|cannot bind/i.test(program.output())
    if (!isTaken || attempt === attempts) throw new Error(`${problem}\n${program.output().trimEnd()}`)
  }
}

async function waitForAnswer(url: string, program: Program): Promise<string | undefined> {
  let end: { readonly code: number | null | string } | undefined
  void program.exited.then((code) => {
    end = { code }
  })
  for (const deadline = Date.now() + startDeadline; Date.now() < deadline; await delay(100)) {
    if (end) return `It ended with ${end.code}.`
    if (typeof (await present(url, undefined)) === 'number') return undefined
  }
  return `It did not answer within ${startDeadline / 1_000} s.`
}

function makeVerifier(example: Example, audience: string, url: string, program: Program): RunningVerifier {
  return {
    example,
    audience,
    async check(name, token, patience = 0) {
      const expected = example.expected[name] ?? checks[name].expected
      const start = Date.now()
      for (;;) {
        const status = await present(url, token)
        const elapsed = Date.now() - start
        const isOver = elapsed >= (status === 503 ? Math.max(patience, answerDeadline) : patience)
        if (status === expected || isOver) return { status, expected, seconds: elapsed / 1_000 }
        await delay(250)
      }
    },
    output: () => program.output().trimEnd(),
    end: () => program.end(),
  }
}

/** The status; or, in words, why there was none. A 200 that does not say whose token it was is no 200. */
async function present(url: string, token: string | undefined): Promise<number | string> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  try {
    // A connection of its own, lest one that the server is about to close be used again.
    const signal = AbortSignal.timeout(answerDeadline)
    const sent = request(url, { headers, agent: false, signal }).end()
    const [answer]: IncomingMessage[] = await once(sent, 'response')
    if (answer?.statusCode === undefined) return 'no answer'
    const body = await text(answer)
    if (answer.statusCode !== 200 || token === undefined) return answer.statusCode
    return /"sub"\s*:\s*"[^"]/.test(body) ? 200 : `200 without sub: ${body.slice(0, 200)}`
  } catch (error) {
    return `no answer: ${error instanceof Error ? error.message : error}`
  }
}
