import { connect, createServer, type Socket } from 'node:net'

/**
 * What becomes of a COMMIT: its answer is lost after the server has made it, or it never reaches the server. Either
 * way the connection breaks.
 */
export type CommitFault = 'answer-lost' | 'never-arrives'

/** Stands between Mintage and a PostgreSQL server, without TLS, and does what networks and servers do. */
export interface PostgresProxy {
  readonly port: number
  /** What becomes of the next COMMIT of a transaction in which a statement was like `pattern`. */
  failCommit(fault: CommitFault, pattern: RegExp): void
  /** How many faults have happened. */
  readonly faults: number
  /** Passes nothing on any more and closes nothing; who connects is taken and not answered. */
  freeze(): void
  /** Passes on again; the connections from before stay silent for ever, as those to a server that is gone. */
  thaw(): void
  /** Breaks every connection; those that come are refused until {@link open}. */
  shut(): Promise<void>
  open(): Promise<void>
  /** Breaks every connection in which something like this was said, and no other. */
  breakThose(pattern: RegExp): void
}

interface Link {
  readonly near: Socket
  readonly far: Socket
  /** What the transaction under way has said. */
  said: string
  saidEver: string
  isMute: boolean
  losesAnswer: boolean
}

export async function startPostgresProxy(port: number, host: string): Promise<PostgresProxy> {
  const links = new Set<Link>()
  let isFrozen = false
  let armed: { readonly fault: CommitFault; readonly pattern: RegExp } | undefined
  let faults = 0

  const end = (link: Link) => {
    links.delete(link)
    link.near.destroy()
    link.far.destroy()
  }

  const fromClient = (link: Link, data: Buffer) => {
    if (link.isMute) return
    const text = data.toString('latin1')
    link.saidEver += text
    if (text.includes('BEGIN')) link.said = ''
    link.said += text
    if (text.includes('COMMIT;') && armed?.pattern.test(link.said)) {
      const { fault } = armed
      armed = undefined
      faults++
      if (fault === 'never-arrives') {
        end(link)
        return
      }
      link.losesAnswer = true
    }
    link.far.write(data)
  }

  const server = createServer((near) => {
    const far = connect(port, host)
    const link = { near, far, said: '', saidEver: '', isMute: isFrozen, losesAnswer: false }
    links.add(link)
    near.on('data', (data) => fromClient(link, data))
    far.on('data', (data) => {
      // What was asked together with the commit is answered before it is made.
      if (link.losesAnswer && data.includes('COMMIT')) end(link)
      else if (!link.isMute) near.write(data)
    })
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on('error', () => end(link))
      socket.on('close', () => end(link))
    }
  })
  const listen = (at: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(at, '127.0.0.1', resolve)
    })
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  return {
    port: address.port,
    get faults() {
      return faults
    },
    failCommit(fault, pattern) {
      armed = { fault, pattern }
    },
    freeze() {
      isFrozen = true
      for (const link of links) link.isMute = true
    },
    thaw() {
      isFrozen = false
    },
    breakThose(pattern) {
      for (const link of links) if (pattern.test(link.saidEver)) end(link)
    },
    shut: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const link of links) end(link)
      }),
    open: () => listen(address.port),
  }
}
