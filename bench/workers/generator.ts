/** Puts load on a server, in a process of its own: each connection redeems its sessions in turn, or asks for tokens. */
import { answerParent } from '../answering.ts'
import { Connection, renderHead, renderPost } from '../load/connection.ts'
import { type Client, runStretch, type Stretch } from '../load/stretch.ts'

export interface Load {
  readonly port: number
  readonly authorization: string
  /** One list of refresh tokens for each connection; an empty one asks for `client_credentials`. */
  readonly lines: readonly (readonly string[])[]
  readonly milliseconds: number
}

/** The lines as they stand now, to go on with. */
export interface LoadResult extends Stretch {
  readonly lines: readonly (readonly string[])[]
}

async function run({ port, authorization, lines, milliseconds }: Load): Promise<LoadResult> {
  const head = renderHead(port, authorization)
  const current = lines.map((line) => [...line])

  function clientOf(index: number): Client {
    const line = current[index] ?? []
    let turn = 0
    let presented: string | undefined
    return {
      next() {
        presented = line[turn % Math.max(1, line.length)]
        return renderPost(
          head,
          presented === undefined
            ? 'grant_type=client_credentials'
            : `grant_type=refresh_token&refresh_token=${presented}`,
        )
      },
      take({ status, body }) {
        const { access_token: access, refresh_token: next } = JSON.parse(body)
        if (status !== 200 || typeof access !== 'string' || (presented !== undefined && next === presented)) {
          throw new Error(`Expected a token, got ${status} ${body}`)
        }
        if (presented !== undefined) line[turn++ % line.length] = next
      },
    }
  }

  // One after the other, as the connections of a proxy come to be.
  const connections: Connection[] = []
  for (const _ of lines) connections.push(await Connection.open(port))
  return { ...(await runStretch(connections, milliseconds, clientOf)), lines: current }
}

answerParent(run)
