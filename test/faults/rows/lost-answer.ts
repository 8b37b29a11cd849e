import { createInstallation } from '../../support/shared-installation.ts'
import { readToken } from '../../support/token-client.ts'
import { type CuttingProxy, startCuttingProxy } from '../cutting-proxy.ts'
import type { Fault } from '../fault.ts'
import { emptyTally, HonestClient } from '../honest-client.ts'

/** How often the same refresh loses its answer, before one goes through. */
const losses = [1, 1, 2, 5]

export const lostAnswer: Fault = {
  id: 'lost-answer',
  name: 'response lost after commit',
  holds: 'the retry gets the same successor',
  engines: ['SQLite', 'PostgreSQL'],
  async run({ quick, database }) {
    const installation = await createInstallation({ environment: await database() })
    const node = await installation.startChild()
    const clients = [false, true].map((sendsKey) => new HonestClient(installation, sendsKey))
    const proxies: CuttingProxy[] = []
    const tally = emptyTally()
    let same = 0
    let other = 0
    let cuts = 0
    const round = async (client: HonestClient, proxy: CuttingProxy, count: number) => {
      const successors = new Set<string>()
      proxy.cutting = true
      for (let i = 0; i < count; i++) {
        const { generation } = readToken(client.token)
        if ((await client.refresh(proxy.url, tally)) !== undefined) throw new Error('An answer came through.')
        const lost = /"refresh_token":"([^"]+)"/.exec(proxy.lastLost)?.[1]
        if (lost === undefined || readToken(lost).generation !== generation + 1) other++
        successors.add(lost ?? '')
      }
      proxy.cutting = false
      await client.refresh(proxy.url, tally)
      if (successors.size === 1 && successors.has(client.token)) same++
      else other++
    }
    try {
      const rounds = quick ? 50 : 1_000
      const line = async (client: HonestClient) => {
        const proxy = await startCuttingProxy(node.url)
        proxies.push(proxy)
        await client.login(node.url)
        for (let i = 0; i < rounds; i++) await round(client, proxy, losses[i % losses.length] ?? 1)
        cuts += proxy.cuts
      }
      await Promise.all(clients.map(line))
    } finally {
      for (const client of clients) client.close()
      for (const proxy of proxies) proxy.close()
      await node.end('SIGKILL')
      await installation.close()
    }
    const { lost, forked } = tally
    return {
      figure: `${cuts} answers cut in ${same + other} refreshes: ${same} the same successor, ${other} another, ${lost} lost, ${forked} forked`,
      ok: same > 0 && other + lost + forked === 0,
    }
  },
}
