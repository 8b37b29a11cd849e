import test from 'ava'
import { AdminError } from '../../src/admin/admin-error.ts'
import type { ClientSettings } from '../../src/admin/client-admin.ts'
import { day, hour, second } from '../../src/lib/durations.ts'
import { startTestIssuer } from '../support/in-process-issuer.ts'

const wrong: readonly ClientSettings[] = [
  { accessTokenTtl: 0 },
  { accessTokenTtl: 24 * hour + 1 },
  { sessionIdleTtl: 0 },
  { sessionIdleTtl: -second },
  { sessionIdleTtl: 3_651 * day },
  { sessionTtl: 999 },
  { sessionTtl: Number.POSITIVE_INFINITY },
  { retryWindow: -1 },
  { retryWindow: hour + 1 },
  { retryWindow: Number.NaN },
]

test('a client has no life and no window that the configuration could not have', async (t) => {
  const { administration } = await startTestIssuer(t)
  const { clients } = administration
  for (const settings of wrong) {
    await t.throwsAsync(
      clients.create('wrong', false, settings),
      { instanceOf: AdminError },
      JSON.stringify(settings),
    )
    await t.throwsAsync(
      clients.update('service', settings),
      { instanceOf: AdminError },
      JSON.stringify(settings),
    )
  }
  t.deepEqual(
    (await clients.list()).map(({ clientId }) => clientId),
    ['app', 'service'],
  )
  const settings = { accessTokenTtl: second, sessionIdleTtl: second, sessionTtl: 3_650 * day, retryWindow: 0 }
  t.like(await clients.update('service', settings), settings)
  const none = { accessTokenTtl: null, sessionIdleTtl: null, sessionTtl: null, retryWindow: null }
  t.like(await clients.update('service', none), none)
})
