import { randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { openDatabase } from '../../src/store/database.ts'
import { makeDirectory, serveEnvironment } from './installation.ts'
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

/** One for a test, dropped after it. @throws when there is no PostgreSQL: such a test is skipped. */
export async function usePostgresDatabase(t: ExecutionContext): Promise<PostgresDatabase> {
  if (postgresServer === undefined) throw new Error('Set MINTAGE_TEST_POSTGRES to the URL of a PostgreSQL.')
  const database = await createPostgresDatabase(postgresServer)
  t.teardown(database.drop)
  return database
}

/** One for a test, and the settings of `mintage serve` on it, through the proxy, and on a directory. */
export async function usePostgresInstallation(t: ExecutionContext) {
  const database = await usePostgresDatabase(t)
  const directory = makeDirectory(t)
  const environment = {
    ...serveEnvironment(directory),
    MINTAGE_DATABASE_URL: database.url,
    MINTAGE_STATE_DIR: directory,
  }
  return { database, environment }
}
