import { setTimeout as delay } from 'node:timers/promises'
import { TokenClient } from '../../support/token-client.ts'
import { Bookkeeping, HonestClient } from './honest-client.ts'
import { openSite, type Site } from './site.ts'

export interface KillNodesOptions {
  readonly seconds: number
  readonly clients: number
  /** Between two refreshes of a client, in milliseconds, on average. */
  readonly pause: number
  /** Whether the proxy asks the other node where one answers nothing or 503. */
  readonly isPatient: boolean
}

export interface KillNodesResult {
  readonly kills: number
  readonly refreshed: number
  readonly loggedOut: number
  readonly forked: number
  readonly failedTries: Readonly<Record<string, number>>
  readonly failedMoreThanOnce: number
  /** How the proxy spread what was answered. */
  readonly spread: readonly number[]
}

/** Kills one of two nodes every few seconds and starts it again, while honest clients refresh at random nodes. */
export async function killNodes(options: KillNodesOptions): Promise<KillNodesResult> {
  const site = await openSite({ replication: 'none', isPatient: options.isPatient })
  const books = new Bookkeeping()
  const clients = await beginSessions(site, options.clients, books)
  const load = new AbortController()
  let kills = 0
  try {
    const working = Promise.all(clients.map((each) => each.work(site.url, options.pause, load.signal)))
    const end = performance.now() + options.seconds * 1_000
    while (performance.now() < end) {
      const node = site.nodes[kills % site.nodes.length]
      await delay(500 + Math.random() * 2_000)
      await node?.end('SIGKILL')
      kills++
      await delay(Math.random() * 1_000)
      await node?.start()
    }
    load.abort()
    await working
    const { refreshed, failures, failedMoreThanOnce } = books
    return {
      kills,
      refreshed,
      loggedOut: books.refused.length,
      forked: books.forked + (await countForked(site, clients)),
      failedTries: Object.fromEntries(failures),
      failedMoreThanOnce,
      spread: [...site.proxy.answered.values()],
    }
  } finally {
    load.abort()
    for (const client of clients) client.close()
    await site.close()
  }
}

/** Clients that are logged in; every second one sends an `Idempotency-Key`. */
export async function beginSessions(
  { installation, url }: Site,
  count: number,
  books: Bookkeeping,
): Promise<readonly HonestClient[]> {
  const { service, username } = installation
  const clients = Array.from(
    { length: count },
    (_, index) => new HonestClient(service, username, index % 2 === 1, books),
  )
  for (const client of clients) await client.login(url)
  return clients
}

/** Sessions of which more than the latest token is usable, or not even that. */
export async function countForked(
  { installation, url }: Site,
  clients: readonly HonestClient[],
): Promise<number> {
  const asking = new TokenClient(installation.service, 4)
  try {
    let forked = 0
    for (const { recent } of clients) {
      const answers = await Promise.all(
        recent.map((token) => asking.post(`${url}/oauth2/introspect`, { token })),
      )
      const active = answers.map(({ body }) => body['active'] === true)
      if (active.pop() !== true || active.includes(true)) forked++
    }
    return forked
  } finally {
    asking.close()
  }
}
