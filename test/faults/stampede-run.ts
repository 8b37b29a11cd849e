import { createInstallation } from '../support/shared-installation.ts'
import { LostAnswerError, readToken, refreshTokenOf, TokenClient } from '../support/token-client.ts'

export interface StampedeOptions {
  readonly requests: number
  /** How many connections carry them, over all nodes. */
  readonly sockets: number
  /** How many processes answer. */
  readonly nodes: number
  /** The default unless said otherwise; answers that come later are reuse, and rightly so. */
  readonly retryWindow?: string
  /** Further settings of the issuers. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface StampedeResult {
  /** How often each status was answered, or why there was no answer. */
  readonly answers: ReadonlyMap<number | string, number>
  /** The refresh tokens that were handed out. */
  readonly successors: ReadonlySet<string>
  /** The generation in the database afterwards. */
  readonly generation: number | undefined
  readonly ended: boolean
  readonly seconds: number
}

/** Sends the same refresh token many times at once, to processes of the built executable. */
export async function stampede(options: StampedeOptions): Promise<StampedeResult> {
  const { retryWindow, environment } = options
  const installation = await createInstallation({
    environment: {
      // All are to be served: what is tried is what they get, not who is turned away.
      MINTAGE_ISSUE_QUEUE: '100000',
      ...environment,
      ...(retryWindow !== undefined && { MINTAGE_REFRESH_RETRY_WINDOW: retryWindow }),
    },
  })
  const nodes = [await installation.startChild()]
  while (nodes.length < options.nodes) nodes.push(await installation.startChild())
  const clients = nodes.map(
    () => new TokenClient(installation.service, Math.ceil(options.sockets / nodes.length)),
  )
  try {
    const [first] = clients
    const token = refreshTokenOf((await first?.login(nodes[0]?.url ?? '', installation.username)) ?? none)
    const answers = new Map<number | string, number>()
    const successors = new Set<string>()
    const refresh = async (index: number): Promise<void> => {
      const node = index % nodes.length
      const answer = await clients[node]?.refresh(nodes[node]?.url ?? '', token).catch(toReason)
      const status = typeof answer === 'object' ? answer.status : String(answer)
      answers.set(status, (answers.get(status) ?? 0) + 1)
      if (typeof answer === 'object' && answer.status === 200) successors.add(refreshTokenOf(answer))
    }
    const started = performance.now()
    await Promise.all(Array.from({ length: options.requests }, (_, index) => refresh(index)))
    const seconds = (performance.now() - started) / 1_000
    const session = await installation.store.sessions.findByHandle(readToken(token).handle)
    return {
      answers,
      successors,
      generation: session?.generation,
      ended: session?.endedAt !== null,
      seconds,
    }
  } finally {
    for (const client of clients) client.close()
    for (const node of nodes) await node.end('SIGKILL')
    await installation.close()
  }
}

const none = { status: 0, body: {} }

/** Why an answer was lost, as the system calls it. */
function toReason(error: unknown): string {
  if (!(error instanceof LostAnswerError)) throw error
  const { cause } = error
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'cut short'
}
