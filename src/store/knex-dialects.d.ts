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

declare module 'knex/lib/dialects/postgres/index.js' {
  import type { Knex } from 'knex'

  interface PostgresAnswer {
    readonly command: string
    readonly rows: readonly Readonly<Record<string, unknown>>[]
    readonly rowCount: number | null
  }

  interface PostgresConnection {
    readonly connection: { readonly stream: import('node:net').Socket }
    setTypeParser(type: number, parse: (text: string) => number): void
    query(text: string): Promise<PostgresAnswer | readonly PostgresAnswer[]>
    on(name: 'notification', listener: (notification: { readonly channel: string }) => void): void
    on(name: 'error' | 'end', listener: (error?: Error) => void): void
    end(): Promise<void>
  }

  interface PostgresQuery {
    readonly sql: string
    readonly bindings?: readonly unknown[]
    /** `name`: prepared under this name on the connection, and not sent again. */
    readonly options?: { readonly name?: string }
    readonly response?: PostgresAnswer
  }

  export default class PostgresDialect extends Knex.Client {
    transacting?: boolean
    config: Knex.Config
    _acquireOnlyConnection(): Promise<PostgresConnection>
    acquireRawConnection(): Promise<PostgresConnection>
    destroyRawConnection(connection: PostgresConnection): Promise<void>
    validateConnection(connection: PostgresConnection): boolean
    runner(builder: unknown): unknown
    _query(connection: PostgresConnection, query: PostgresQuery): Promise<PostgresQuery>
  }
}

declare module 'knex/lib/dialects/cockroachdb/index.js' {
  export { default } from 'knex/lib/dialects/postgres/index.js'
}

declare module 'knex/lib/execution/runner.js' {
  export default class Runner {
    constructor(client: unknown, builder: unknown)
    client: { readonly transacting?: boolean }
    builder: {
      readonly _method?: string
      readonly sql?: unknown
      readonly _connection?: unknown
    }
    connection: unknown
    run(): Promise<unknown>
  }
}
