import { LostAnswerError, readToken, refreshTokenOf, TokenClient } from '../../support/token-client.ts'
import { openSite } from './site.ts'

export interface OneTokenResult {
  /** How often each status was answered; 0 is no answer. */
  readonly answers: ReadonlyMap<number, number>
  /** The refresh tokens that were handed out. */
  readonly successors: ReadonlySet<string>
  readonly generation: number | undefined
  readonly ended: boolean
  readonly seconds: number
  /** How the proxy spread them. */
  readonly spread: readonly number[]
}

/** Sends the same refresh token many times at once through the proxy, which gives each request to any of two nodes. */
export async function presentOneToken(requests: number, sockets: number): Promise<OneTokenResult> {
  // What is tried is that many come at once, not that this machine answers them all within half a minute.
  const site = await openSite({ replication: 'none', environment: { MINTAGE_REFRESH_RETRY_WINDOW: '10m' } })
  const { installation, url } = site
  const client = new TokenClient(installation.service, sockets)
  try {
    const token = refreshTokenOf(await client.login(url, installation.username))
    site.proxy.answered.clear()
    const answers = new Map<number, number>()
    const successors = new Set<string>()
    const refresh = async (): Promise<void> => {
      const answer = await client.refresh(url, token).catch((error: unknown) => {
        if (!(error instanceof LostAnswerError)) throw error
      })
      const status = answer?.status ?? 0
      answers.set(status, (answers.get(status) ?? 0) + 1)
      if (answer && status === 200) successors.add(refreshTokenOf(answer))
    }
    const started = performance.now()
    await Promise.all(Array.from({ length: requests }, refresh))
    const seconds = (performance.now() - started) / 1_000
    const session = await installation.store.sessions.findByHandle(readToken(token).handle)
    const spread = [...site.proxy.answered.values()]
    const ended = session?.endedAt !== null
    return { answers, successors, generation: session?.generation, ended, seconds, spread }
  } finally {
    client.close()
    await site.close()
  }
}
