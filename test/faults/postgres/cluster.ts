import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from '../../support/child-issuer.ts'
import { eventually } from '../../support/eventually.ts'
import { CannotRunError } from '../fault.ts'
import { Wire } from '../revocation-wire.ts'
import { account, type Ending, findBinaries, PostgresServer } from './server.ts'

/** Whether a commit is answered before the standby has it. */
export type Replication = 'none' | 'synchronous' | 'asynchronous'

/** What is special about where the data lies. */
export interface Place {
  /** Prepares the empty directory; what it returns undoes that. @throws {CannotRunError} when it cannot. */
  enter(directory: string): () => void
  /** For `initdb`. */
  readonly options: readonly string[]
  readonly settings: Readonly<Record<string, string>>
}

const ordinary: Place = { enter: () => () => undefined, options: [], settings: {} }

/**
 * A primary, a streaming standby unless told otherwise, and the address that clients use: a TCP proxy, which stands
 * where a virtual address or HAProxy would, and shows whoever is the primary.
 */
export class PostgresCluster {
  readonly directory: string
  /** Between clients and the primary. */
  readonly address: Wire
  /** Between the primary and its standby. */
  readonly replication: Wire
  readonly #kind: Replication
  readonly #binaries: string
  readonly #servers: PostgresServer[] = []
  readonly #leave: () => void
  #primary: PostgresServer
  #standby: PostgresServer | undefined
  readonly #onExit = () => this.#discard()

  private constructor(
    kind: Replication,
    binaries: string,
    directory: string,
    primary: PostgresServer,
    wires: readonly [Wire, Wire],
    leave: () => void,
  ) {
    this.#leave = leave
    this.#kind = kind
    this.#binaries = binaries
    this.directory = directory
    this.#primary = primary
    this.#servers.push(primary)
    this.address = wires[0]
    this.replication = wires[1]
    process.on('exit', this.#onExit)
  }

  /** @throws when PostgreSQL is not installed or does not start. */
  static async start(kind: Replication, place: Place = ordinary): Promise<PostgresCluster> {
    const binaries = findBinaries()
    if (binaries === undefined) {
      throw new CannotRunError('PostgreSQL is not installed (Debian: apt-get install postgresql)')
    }
    const directory = mkdtempSync(join(tmpdir(), 'mintage-postgres-'))
    const leave = place.enter(directory)
    if (account.uid !== undefined) chownSync(directory, account.uid, account.gid ?? account.uid)
    const data = join(directory, 'server-1')
    const primary = new PostgresServer(binaries, data, await findFreePort(), place.settings)
    // Which one the primary is changes; each new connection asks.
    const targets = () => (cluster.#primary.isRunning ? [cluster.#primary.url] : [])
    const wires = [await Wire.open(targets), await Wire.open(targets)] as const
    const cluster = new PostgresCluster(kind, binaries, directory, primary, wires, leave)
    try {
      await primary.initialise(...place.options)
      await primary.start()
      if (kind !== 'none') await cluster.addStandby()
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** For clients; it stays the same, whoever is the primary. */
  get url(): string {
    const { port } = new URL(this.address.url)
    return `postgres://postgres@127.0.0.1:${port}/postgres`
  }

  get primary(): PostgresServer {
    return this.#primary
  }

  /** Makes a new standby of the present primary, and waits until it follows. */
  async addStandby(): Promise<void> {
    const name = `server-${this.#servers.length + 1}`
    const standby = new PostgresServer(this.#binaries, join(this.directory, name), await findFreePort(), {
      cluster_name: name,
    })
    this.#servers.push(standby)
    this.replication.set('none')
    await standby.copy(Number(new URL(this.replication.url).port))
    await standby.start()
    this.#standby = standby
    if (this.#kind === 'synchronous') {
      await this.#primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
      await this.#primary.query('SELECT pg_reload_conf()')
    }
    const wished = this.#kind === 'synchronous' ? 'sync' : 'async'
    const follows = `SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = '${wished}'`
    const rows = await eventually(
      () => this.#primary.query(follows),
      (found) => found.length === 1,
    )
    if (rows.length !== 1) throw new Error(`The standby does not follow: ${standby.log}`)
  }

  /**
   * The primary is gone as by a power cut, and what the standby had not received is gone with it.
   * @param isSilent whether connections to it go silent, as when a machine is gone; otherwise they break.
   * @returns when it happened, by the monotonic clock.
   */
  async crashPrimary(isSilent = false): Promise<number> {
    this.replication.set('down')
    const at = performance.now()
    this.address.set(isSilent ? 'held' : 'down')
    await this.#primary.stop('immediate')
    return at
  }

  /** Lets the standby take over, and clients reach it. */
  async promote(): Promise<void> {
    const standby = this.#standby
    if (!standby) throw new Error('There is no standby.')
    await standby.promote()
    this.#primary = standby
    this.#standby = undefined
    this.address.cut()
    this.address.set('none')
  }

  async restartPrimary(ending: Ending): Promise<void> {
    await this.#primary.stop(ending)
    await this.#primary.start()
  }

  async close(): Promise<void> {
    process.off('exit', this.#onExit)
    this.address.close()
    this.replication.close()
    await Promise.all(this.#servers.map((server) => server.stop('immediate')))
    this.#remove()
  }

  #remove(): void {
    this.#leave()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #discard(): void {
    for (const server of this.#servers) server.kill()
    this.#remove()
  }
}
