import { randomUUID } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import test from 'ava'
import { openDatabase } from '../../src/store/database.ts'
import { testSealedVault } from '../keys/sealed-vault-suite.ts'
import { testAudit } from './audit-suite.ts'
import { testBehaviour } from './behaviour-suite.ts'
import { testConcurrency } from './concurrency-suite.ts'
import { testFailedAttempts } from './failed-attempts-suite.ts'
import { testInspection } from './inspection-suite.ts'
import { testStatus } from './status-suite.ts'
import { testTables } from './table-suite.ts'
import type { TestEngine } from './test-database.ts'

/** A PostgreSQL where databases may be made, such as `postgres://postgres@127.0.0.1:5432/postgres`. */
const server = process.env['MINTAGE_TEST_POSTGRES']

/** A database of its own, reached through a proxy that can be shut. */
function postgres(admin: string): TestEngine {
  return {
    name: 'postgres',
    async open() {
      const name = `mintage_${randomUUID().replaceAll('-', '')}`
      const { knex } = openDatabase(admin)
      await knex.raw('CREATE DATABASE ??', [name])
      const url = new URL(admin)
      const proxy = await startProxy(Number(url.port || 5432), url.hostname)
      url.hostname = '127.0.0.1'
      url.port = String(proxy.port)
      url.pathname = name
      return {
        url: url.href,
        async interrupt() {
          await proxy.shut()
          return proxy.open
        },
        async drop() {
          await proxy.shut()
          await knex.raw('DROP DATABASE ?? WITH (FORCE)', [name])
          await knex.destroy()
        },
      }
    },
  }
}

interface Proxy {
  readonly port: number
  shut(): Promise<void>
  open(): Promise<void>
}

async function startProxy(port: number, host: string): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const proxy = createServer((near) => {
    const far = connect(port, host)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  const listen = (at: number) =>
    new Promise<void>((resolve, reject) => {
      proxy.once('error', reject)
      proxy.listen(at, '127.0.0.1', resolve)
    })
  await listen(0)
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  return {
    port: address.port,
    shut: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
    open: () => listen(address.port),
  }
}

if (server === undefined) {
  test.skip('postgres: set MINTAGE_TEST_POSTGRES to the URL of a server to run these suites', (t) => t.pass())
} else {
  const engine = postgres(server)
  testTables(engine)
  testBehaviour(engine)
  testConcurrency(engine)
  testAudit(engine)
  testFailedAttempts(engine)
  testStatus(engine)
  testInspection(engine)
  testSealedVault(engine)
}
