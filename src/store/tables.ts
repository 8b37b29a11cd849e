import type { Knex } from 'knex'
import { ApiTable } from './api-table.ts'
import { ChainTable } from './audit/chain-table.ts'
import type { Stamps } from './audit/seal.ts'
import { AuditTable } from './audit-table.ts'
import { ClientTable } from './client-table.ts'
import { ForeignTokenTable } from './foreign-token-table.ts'
import { KeyTable } from './key-table.ts'
import { SecretTable } from './secret-table.ts'
import { SessionTable } from './session-table.ts'
import { StatusLog } from './status-log.ts'
import { StatusTable } from './status-table.ts'
import { ThrottleTable } from './throttle-table.ts'
import { UserTable } from './user-table.ts'

/** The tables, as one connection or transaction sees them. */
export class Tables {
  readonly clients: ClientTable
  readonly apis: ApiTable
  readonly users: UserTable
  readonly sessions: SessionTable
  readonly foreignTokens: ForeignTokenTable
  readonly status: StatusTable
  readonly statusLog: StatusLog
  readonly keys: KeyTable
  readonly audit: AuditTable
  readonly auditChain: ChainTable
  readonly secrets: SecretTable
  readonly throttles: ThrottleTable

  constructor(query: Knex, stamps: Stamps) {
    this.clients = new ClientTable(query)
    this.apis = new ApiTable(query)
    this.users = new UserTable(query)
    this.statusLog = new StatusLog(query)
    this.status = new StatusTable(query, this.statusLog)
    this.foreignTokens = new ForeignTokenTable(query)
    this.sessions = new SessionTable(query, this.statusLog, this.status, this.foreignTokens)
    this.keys = new KeyTable(query)
    this.audit = new AuditTable(query, stamps)
    this.auditChain = new ChainTable(query)
    this.secrets = new SecretTable(query)
    this.throttles = new ThrottleTable(query)
  }
}
