declare module 'knex/lib/dialects/better-sqlite3/index.js' {
  import type { Database } from 'better-sqlite3'
  import type { Knex } from 'knex'

  interface RawQuery {
    readonly sql: string
    readonly bindings?: readonly unknown[]
  }

  export default class BetterSqlite3Client extends Knex.Client {
    _driver(): unknown
    acquireRawConnection(): Promise<Database>
    acquireConnection(): Promise<Database>
    _query(connection: Database, query: RawQuery): Promise<RawQuery>
  }
}

declare module 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js' {
  import type { Database } from 'better-sqlite3'

  export default class SqliteTransaction {
    constructor(client: unknown, ...rest: readonly unknown[])
    query(connection: Database, sql: string): Promise<unknown>
    begin(connection: Database): Promise<unknown>
  }
}
