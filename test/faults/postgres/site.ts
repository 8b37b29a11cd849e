import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildIssuer } from '../../support/child-issuer.ts'
import { findFreePort } from '../../support/child-issuer.ts'
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
}

/** Two servers on one PostgreSQL, behind a plain proxy that spreads requests at random. */
export interface Site {
  readonly cluster: PostgresCluster
  readonly installation: SharedInstallation
  readonly nodes: readonly SiteNode[]
  readonly proxy: SpreadingProxy
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
    const urls: string[] = []
    const proxy = await SpreadingProxy.open(() => urls, options.isPatient)
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
    for (const name of ['node-a', 'node-b']) {
      const node = new SiteNode(installation, await findFreePort(), join(states, name))
      closing.push(() => node.end('SIGKILL'))
      nodes.push(node)
      await node.start()
      urls.push(node.url)
    }
    return { cluster, installation, nodes, proxy, url: proxy.url, close }
  } catch (error) {
    await close()
    throw error
  }
}
