import type { Knex } from 'knex'

/** PostgreSQL's time at this moment, not at the begin of the transaction, in milliseconds since the epoch. */
export const nowColumn = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now'

export async function readNow(query: Knex): Promise<number> {
  const result = await query.raw(`SELECT ${nowColumn}`)
  return Number(result.rows[0].now)
}
