import test from 'ava'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import { eventually } from '../support/eventually.ts'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { ask, login, refresh } from '../support/requests.ts'
import { bitOf, eventualBit, placeOf } from '../support/status.ts'
import { readToken } from '../support/token-client.ts'

const Database = loadSqliteDriver()

for (const [revoked, token] of [
  ['a session', 'refresh_token'],
  ['an access token', 'access_token'],
] as const) {
  test(`rows 19, 24: when the database loses the revocation of ${revoked}, the session is ended and its place revoked again`, async (t) => {
    const issuer = await startTestIssuer(t)
    const pair = await login(issuer)
    const other = await login(issuer)
    const row = await eventually(
      () => issuer.store.statusLog.position(),
      ({ isPending, version }) => !isPending && version > 0,
    )
    const { handle } = readToken(pair.refresh_token)
    const place = placeOf(pair.access_token)
    await ask(issuer, 'revoke', { token: pair[token] })
    t.is(await eventualBit(pair.access_token, issuer.url, 1), 1)
    // As after the promotion of a standby that had not received the revocation.
    const database = new Database(issuer.databaseUrl.slice('sqlite:'.length), { timeout: 5_000 })
    database
      .transaction(() => {
        database.prepare('DELETE FROM status_log WHERE version > ?').run(row.version)
        database.prepare('UPDATE status_state SET version = ?').run(row.version)
        database
          .prepare(
            'UPDATE sessions SET ended_at = NULL, end_reason = NULL, status_index = ? WHERE handle = ?',
          )
          .run(place.idx, handle)
      })
      .immediate()
    database.close()
    const ended = await eventually(
      () => issuer.store.sessions.findByHandle(handle),
      (session) => session?.endedAt !== null,
    )
    t.is(ended?.endReason, 'revocation_lost')
    t.is(await bitOf(pair.access_token, issuer.url), 1)
    t.is((await refresh(issuer, pair.refresh_token)).body['error'], 'invalid_grant')
    // Nobody else's is, and nobody gets a place that was given out in the past that is lost.
    t.is((await refresh(issuer, other.refresh_token)).status, 200)
    t.is(await bitOf(other.access_token, issuer.url), 0)
    const lists = await issuer.store.status.list()
    t.true(lists.length > 0 && lists.every(({ allocated, size }) => allocated === size))
    t.true(lists.some(({ id }) => place.uri.endsWith(id)))
  })
}
