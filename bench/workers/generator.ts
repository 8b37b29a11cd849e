/** Puts load on a server, in a process of its own: each connection redeems its sessions in turn, or asks for tokens. */
import { Connection, renderHead } from '../load/connection.ts'

export interface Load {
  readonly port: number
  readonly authorization: string
  /** One list of refresh tokens for each connection; an empty one asks for `client_credentials`. */
  readonly lines: readonly (readonly string[])[]
  readonly milliseconds: number
}

export type LoadOutcome =
  | { readonly requests: number; readonly seconds: number; readonly lines: readonly (readonly string[])[] }
  | { readonly failure: string }

async function run({ port, authorization, lines, milliseconds }: Load): Promise<LoadOutcome> {
  const head = renderHead(port, authorization)
  const current = lines.map((line) => [...line])
  let requests = 0
  // One after the other, as the connections of a proxy come to be.
  const connections: Connection[] = []
  for (const _ of lines) connections.push(await Connection.open(port))
  const began = performance.now()
  const drive = async (connection: Connection, line: string[]) => {
    for (let turn = 0; performance.now() - began < milliseconds; turn++) {
      const place = turn % Math.max(1, line.length)
      const presented = line[place]
      const form =
        presented === undefined
          ? 'grant_type=client_credentials'
          : `grant_type=refresh_token&refresh_token=${presented}`
      const { status, body } = await connection.post(head, form)
      const { access_token: access, refresh_token: next } = JSON.parse(body)
      if (status !== 200 || typeof access !== 'string' || (presented !== undefined && next === presented)) {
        throw new Error(`Expected a token, got ${status} ${body}`)
      }
      if (presented !== undefined) line[place] = next
      requests++
    }
  }
  await Promise.all(connections.map((connection, index) => drive(connection, current[index] ?? [])))
  const seconds = (performance.now() - began) / 1_000
  for (const connection of connections) connection.close()
  return { requests, seconds, lines: current }
}

process.on('message', (load: Load) => {
  run(load).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => process.send?.({ failure: String(error) } satisfies LoadOutcome),
  )
})
