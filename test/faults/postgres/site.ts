import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildIssuer } from '../../support/child-issuer.ts'
import { findFreePort } from '../../support/child-issuer.ts'
import { eventually } from '../../support/eventually.ts'
import { createInstallation, type SharedInstallation } from '../../support/shared-installation.ts'
import { type Place, PostgresCluster, type Replication } from './cluster.ts'
import { SpreadingProxy } from './spreading-proxy.ts'

/** A `mintage serve` that is started again on the same port, with the state of its own that a node has. */
export class SiteNode {
  readonly url: string
  readonly stateDir: string
  readonly #installation: SharedInstallation
  readonly #port: number
  #child: ChildIssuer | undefined
  #past = ''

  constructor(installation: SharedInstallation, port: number, stateDir: string) {
    this.#installation = installation
    this.#port = port
    this.stateDir = stateDir
    this.url = `http://127.0.0.1:${port}`
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  }

  /** @throws what it says, when it refuses to start. */
  async start(): Promise<void> {
    this.#child = await this.#installation.startChild(this.#port, { MINTAGE_STATE_DIR: this.stateDir })
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    this.#child = undefined
    const code = await child?.end(signal)
    this.#past += child?.output() ?? ''
    return code ?? null
  }

  /** How far it has seen the audit trail go. */
  readonly mark = async (): Promise<number> => {
    const text = await readFile(join(this.stateDir, 'high-water-mark.json'), 'utf8')
    const { sequence }: { readonly sequence: number } = JSON.parse(text)
    return sequence
  }

  /** The lines of its log, of all its lives. */
  get log(): readonly LogLine[] {
    return (this.#past + (this.#child?.output() ?? '')).split('\n').flatMap((line) => {
      if (!line.startsWith('{')) return []
      const parsed: LogLine = JSON.parse(line)
      return [parsed]
    })
  }
}

export interface LogLine {
  readonly event?: string
  readonly msg?: string
  readonly [name: string]: unknown
}

export interface SiteOptions {
  readonly replication: Replication
  /** Whether the proxy asks the other node where one answers nothing or 503; it does unless told otherwise. */
  readonly isPatient?: boolean
  readonly environment?: Readonly<Record<string, string>>
  readonly place?: Place
  /** What stands before the nodes in place of the plain proxy. */
  readonly front?: (nodes: readonly string[]) => Promise<Front>
}

/** Something that spreads requests over the nodes. */
export interface Front {
  readonly url: string
  /** How many requests each node has answered, where it is counted. */
  readonly answered: Map<string, number>
  close(): unknown
}

/** Two servers on one PostgreSQL, behind a plain proxy that spreads requests at random. */
export interface Site {
  readonly cluster: PostgresCluster
  readonly installation: SharedInstallation
  readonly nodes: readonly SiteNode[]
  readonly proxy: Front
  /** What clients and verifiers know: the proxy's, and the `iss`. */
  readonly url: string
  close(): Promise<void>
}

/** Sets it up as the page on several nodes tells. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const closing: (() => unknown)[] = []
  const close = async () => {
    for (const each of closing.toReversed()) await each()
  }
  try {
    const cluster = await PostgresCluster.start(options.replication, options.place)
    closing.push(() => cluster.close())
    const states = mkdtempSync(join(tmpdir(), 'mintage-state-'))
    closing.push(() => rmSync(states, { recursive: true, force: true }))
    const ports = [await findFreePort(), await findFreePort()]
    const urls = ports.map((port) => `http://127.0.0.1:${port}`)
    const proxy = (await options.front?.(urls)) ?? (await SpreadingProxy.open(() => urls, options.isPatient))
    closing.push(() => proxy.close())
    const installation = await createInstallation({
      environment: {
        MINTAGE_ISSUER: proxy.url,
        MINTAGE_DATABASE_URL: cluster.url,
        MINTAGE_STATE_DIR: join(states, 'administration'),
        MINTAGE_LOG_LEVEL: 'warn',
        ...options.environment,
      },
    })
    closing.push(() => installation.close())
    const nodes: SiteNode[] = []
    for (const port of ports) {
      const node = new SiteNode(installation, port, join(states, `node-${nodes.length + 1}`))
      closing.push(() => node.end('SIGKILL'))
      nodes.push(node)
      await node.start()
    }
    const ask = () => fetch(`${proxy.url}/readyz`).then(({ status }) => status)
    await eventually(
      () => ask().catch(() => 0),
      (status) => status === 200,
    )
    return { cluster, installation, nodes, proxy, url: proxy.url, close }
  } catch (error) {
    await close()
    throw error
  }
}
