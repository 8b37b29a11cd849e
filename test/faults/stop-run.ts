import { setTimeout as delay } from 'node:timers/promises'
import { second } from '../../src/lib/durations.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { LostAnswerError, TokenClient } from '../support/token-client.ts'
import { emptyTally, HonestClient, readLead } from './honest-client.ts'

export interface StopOptions {
  readonly stops: number
  readonly environment: Readonly<Record<string, string>>
}

export interface StopResult {
  stops: number
  /** Requests that got their whole answer. */
  answered: number
  /** Whole answers after the signal. */
  answeredAfter: number
  /** Requests on an accepted connection that got none, or half of one. */
  dropped: number
  /** Refreshes that were committed and never answered; clients that lost their session. */
  committedUnanswered: number
  lost: number
  /** Of the slowest, in milliseconds, and how many did not end with 0. */
  slowest: number
  badExits: number
}

/** Stops an issuer by SIGTERM while clients hammer it over kept connections, and starts it again. */
export async function stopUnderLoad(options: StopOptions): Promise<StopResult> {
  const { stops, environment } = options
  const result: StopResult = {
    stops: 0,
    answered: 0,
    answeredAfter: 0,
    dropped: 0,
    committedUnanswered: 0,
    lost: 0,
    slowest: 0,
    badExits: 0,
  }
  const installation = await createInstallation({ environment })
  const clients = Array.from({ length: 16 }, (_, i) => new HonestClient(installation, i % 2 === 1))
  const others = Array.from({ length: 12 }, () => new TokenClient(installation.service))
  let node = await installation.startChild()
  const port = Number(new URL(node.url).port)
  try {
    for (const client of clients) await client.login(node.url)
    while (result.stops < stops) {
      const tally = emptyTally()
      let signalled = false
      const count = () => {
        result.answered++
        if (signalled) result.answeredAfter++
      }
      const { url } = node
      const working = [
        ...clients.map((client) => refreshUntilStopped(client, url, tally, count, result)),
        ...others.map((client, i) => askUntilStopped(client, url, installation, i, count, result)),
      ]
      await delay(300 + Math.random() * 500)
      const since = performance.now()
      signalled = true
      if ((await node.end('SIGTERM')) !== 0) result.badExits++
      result.slowest = Math.max(result.slowest, performance.now() - since)
      await Promise.all(working)
      result.stops++
      result.lost += tally.lost + tally.forked
      for (const client of clients) {
        if ((await readLead(installation, client)) !== 0) result.committedUnanswered++
      }
      node = await installation.startChild(port)
    }
    return result
  } finally {
    for (const client of [...clients, ...others]) client.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}

async function refreshUntilStopped(
  client: HonestClient,
  url: string,
  tally: ReturnType<typeof emptyTally>,
  count: () => void,
  result: StopResult,
): Promise<void> {
  while ((await client.refresh(url, tally)) !== undefined) count()
  if (client.wasAccepted) result.dropped++
}

/** One in three logs in, the others ask for tokens of their own. */
async function askUntilStopped(
  client: TokenClient,
  url: string,
  { username }: SharedInstallation,
  index: number,
  count: () => void,
  result: StopResult,
): Promise<void> {
  const ask = () =>
    index % 3 === 0
      ? client.login(url, username)
      : client.post(`${url}/oauth2/token`, { grant_type: 'client_credentials' })
  try {
    for (;;) {
      const { status } = await ask()
      if (status === 200) count()
      else if (status !== 503) throw new Error(`Answered with ${status}.`)
    }
  } catch (error) {
    if (!(error instanceof LostAnswerError)) throw error
    if (error.wasAccepted) result.dropped++
  }
}

export const exitLimit = 10 * second
