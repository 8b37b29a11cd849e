import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js'
import LRU from 'oidc-provider/lib/helpers/lru.js'

/**
 * Its own adapter in memory, or one on SQLite.
 * @param {string | undefined} path of the database, which has its tables already
 * @param {string} driver of SQLite, a module
 */
export async function createAdapter(path, driver) {
  // As it comes it forgets all but the last thousand or two of its entries, sessions of the benchmark among them.
  const store = new LRU({ maxSize: 1_000_000 })
  if (path === undefined) return (model) => new MemoryAdapter(model, store)
  const { loadSqliteDriver } = await import(driver)
  const Database = loadSqliteDriver()
  const database = new Database(path)
  // Durable at every commit. A write returns when it is.
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec(`CREATE TABLE IF NOT EXISTS entries (
    model TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, grant_id TEXT, uid TEXT, user_code TEXT,
    expires_at INTEGER, consumed_at INTEGER, PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_by_grant ON entries (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS entries_by_uid ON entries (uid) WHERE uid IS NOT NULL;
  CREATE INDEX IF NOT EXISTS entries_by_user_code ON entries (user_code) WHERE user_code IS NOT NULL;`)
  return (model) => new SqliteAdapter(database, model)
}

const seconds = () => Math.floor(Date.now() / 1_000)

/** The interface that the documentation asks of an adapter, by prepared statements, payloads as JSON. */
class SqliteAdapter {
  #model
  #statements

  constructor(database, model) {
    this.#model = model
    const select = (column) =>
      database.prepare(
        `SELECT payload, expires_at, consumed_at FROM entries WHERE model = ? AND ${column} = ?`,
      )
    this.#statements = {
      upsert: database.prepare(
        `INSERT INTO entries (model, id, payload, grant_id, uid, user_code, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id,
           uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`,
      ),
      find: select('id'),
      findByUid: select('uid'),
      findByUserCode: select('user_code'),
      consume: database.prepare('UPDATE entries SET consumed_at = ? WHERE model = ? AND id = ?'),
      destroy: database.prepare('DELETE FROM entries WHERE model = ? AND id = ?'),
      revokeByGrantId: database.prepare('DELETE FROM entries WHERE grant_id = ?'),
    }
  }

  async upsert(id, payload, expiresIn) {
    const { grantId = null, uid = null, userCode = null } = payload
    const expiresAt = expiresIn ? seconds() + expiresIn : null
    this.#statements.upsert.run(this.#model, id, JSON.stringify(payload), grantId, uid, userCode, expiresAt)
  }

  async find(id) {
    return this.#read(this.#statements.find.get(this.#model, id))
  }

  async findByUid(uid) {
    return this.#read(this.#statements.findByUid.get(this.#model, uid))
  }

  async findByUserCode(userCode) {
    return this.#read(this.#statements.findByUserCode.get(this.#model, userCode))
  }

  async consume(id) {
    this.#statements.consume.run(seconds(), this.#model, id)
  }

  async destroy(id) {
    this.#statements.destroy.run(this.#model, id)
  }

  async revokeByGrantId(grantId) {
    this.#statements.revokeByGrantId.run(grantId)
  }

  #read(row) {
    if (!row || (row.expires_at !== null && row.expires_at < seconds())) return undefined
    const payload = JSON.parse(row.payload)
    return row.consumed_at === null ? payload : { ...payload, consumed: row.consumed_at }
  }
}
