import { randomUUID } from 'node:crypto'
import { openDatabase } from '../../src/store/database.ts'
import { type PostgresProxy, startPostgresProxy } from './postgres-proxy.ts'

/** A PostgreSQL where databases may be made, such as `postgres://postgres@127.0.0.1:5432/postgres`. */
export const postgresServer = process.env['MINTAGE_TEST_POSTGRES']

export interface PostgresDatabase {
  /** Past the proxy. */
  readonly directUrl: string
  readonly url: string
  readonly proxy: PostgresProxy
  drop(): Promise<void>
}

/** A database of its own, reached through a proxy. */
export async function createPostgresDatabase(admin: string): Promise<PostgresDatabase> {
  const name = `mintage_${randomUUID().replaceAll('-', '')}`
  const { knex } = openDatabase(admin, { isPatient: true })
  await knex.raw('CREATE DATABASE ??', [name])
  const direct = new URL(admin)
  direct.pathname = name
  const proxy = await startPostgresProxy(Number(direct.port || 5432), direct.hostname)
  const url = new URL(direct)
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  return {
    directUrl: direct.href,
    url: url.href,
    proxy,
    async drop() {
      await proxy.shut()
      await knex.raw('DROP DATABASE ?? WITH (FORCE)', [name])
      await knex.destroy()
    },
  }
}
