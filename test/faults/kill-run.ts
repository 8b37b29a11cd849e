import { setTimeout as delay } from 'node:timers/promises'
import type { ChildIssuer } from '../support/child-issuer.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { emptyTally, HonestClient, readLead, type Tally } from './honest-client.ts'

export interface KillOptions {
  readonly kills: number
  /** How many clients refresh at once; every second one sends an `Idempotency-Key`. */
  readonly clients: number
  /** Settings of the issuer. */
  readonly environment?: Readonly<Record<string, string>>
  /** Called after each kill. */
  readonly onKill?: (result: KillResult) => void
}

export interface KillResult extends Tally {
  kills: number
  /** Unanswered requests whose rotation had been committed: the next try must get the same successor. */
  committedUnanswered: number
}

/**
 * Kills an issuer at random moments while honest clients refresh, restarts it on its port, and counts the clients
 * that lost their session and the sessions that forked.
 */
export async function killWhileRefreshing(options: KillOptions): Promise<KillResult> {
  const result: KillResult = { kills: 0, committedUnanswered: 0, ...emptyTally() }
  const { environment = {} } = options
  const installation = await createInstallation({ environment })
  const clients = Array.from(
    { length: options.clients },
    (_, index) => new HonestClient(installation, index % 2 === 1),
  )
  let node = await installation.startChild()
  try {
    const { url } = node
    const port = Number(new URL(url).port)
    for (const client of clients) await client.login(url)
    while (result.kills < options.kills) {
      await workUntilKilled(node, clients, result)
      await inspect(installation, clients, result)
      options.onKill?.(result)
      node = await installation.startChild(port)
      for (const client of clients) if (!client.unanswered) await client.presentTwice(url, result)
      for (const client of clients) if ((await client.countActive(url)) > 1) result.forked++
    }
    return result
  } finally {
    for (const client of clients) client.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}

async function workUntilKilled(
  node: ChildIssuer,
  clients: readonly HonestClient[],
  result: KillResult,
): Promise<void> {
  const working = clients.map((client) => client.work(node.url, result))
  // Every second time when it has answered, which on a busy machine may take longer than the rest.
  const before = result.refreshed
  for (let i = 0; result.kills % 2 === 1 && i < 200 && result.refreshed === before; i++) await delay(10)
  await delay(Math.random() * 120)
  await node.end('SIGKILL')
  result.kills++
  await Promise.all(working)
}

/** Reads, while no issuer runs, what the database holds of each client's session. */
async function inspect(
  installation: SharedInstallation,
  clients: readonly HonestClient[],
  result: KillResult,
): Promise<void> {
  for (const client of clients) {
    const ahead = await readLead(installation, client)
    if (ahead === undefined) result.lost++
    else if (ahead === 1 && client.unanswered) result.committedUnanswered++
    else if (ahead !== 0) result.forked++
  }
}
