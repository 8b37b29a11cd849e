import { inflateSync } from 'node:zlib'
import test from 'ava'
import { eventually } from '../support/eventually.ts'
import { decodeClaims } from '../support/oauth.ts'
import { ask, clientToken, isActive, login } from '../support/requests.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { bitAt, placeOf, revokes, subscribe } from '../support/status.ts'

let installation: SharedInstallation
test.before(async () => {
  installation = await createInstallation()
})
test.after.always(() => installation.close())

/** The bit of a token, as the process at `url` shows it. The list itself is verified in other tests. */
async function bitAtProcess(token: string, url: string): Promise<number> {
  const { idx, uri } = placeOf(token)
  const list = await (await fetch(url + new URL(uri).pathname)).text()
  const { lst } = Object(decodeClaims(list)['status_list'])
  return bitAt(inflateSync(Buffer.from(String(lst), 'base64url')), idx)
}

test.serial(
  'what one process or a command revokes, the streams and lists of every process show',
  async (t) => {
    const { service, administration } = installation
    const children = [await installation.startChild(), await installation.startChild()]
    t.teardown(() => Promise.all(children.map((child) => child.end())))
    const issuers = children.map(({ url }) => ({ url, service }))
    const [one, other] = issuers
    if (!one || !other) throw new Error('There are two.')
    const streams = await Promise.all(issuers.map(({ url }) => subscribe(url)))
    t.teardown(() => Promise.all(streams.map((stream) => stream.close())))

    const pairs = [await login(one), await login(other), await login(one)]
    const own = await clientToken(other)
    const [first, second, third] = pairs.map((pair) => pair.access_token)
    await ask(other, 'revoke', { token: String(pairs[0]?.refresh_token) })
    await ask(one, 'revoke', { token: own })
    await ask(one, 'revoke', { token: String(second) })
    await administration.sessions.revoke(String(decodeClaims(String(third))['sid']))
    for (const [index, stream] of streams.entries()) {
      for (const token of [first, own, second, third]) {
        await stream.find(revokes(placeOf(String(token))))
        const bit = await eventually(
          () => bitAtProcess(String(token), issuers[index]?.url ?? ''),
          (bit) => bit === 1,
        )
        t.is(bit, 1)
      }
    }
    const told = streams.map((stream) => stream.changes().map(({ id, data }) => ({ id, data })))
    t.deepEqual(told[0]?.slice(-4), told[1]?.slice(-4))
    const versions = (told[0] ?? []).map(({ data }) => Number(data['version']))
    t.deepEqual(
      versions,
      versions.map((_version, index) => Number(versions[0]) + index),
    )
    for (const { url } of issuers) t.false(await isActive({ url, service }, own))
  },
)

test.serial('a process that is killed right after it answered has revoked, whoever numbers it', async (t) => {
  const { service } = installation
  for (let round = 0; round < 4; round++) {
    const child = await installation.startChild()
    const issuer = { url: child.url, service }
    const tokens = [await clientToken(issuer), (await login(issuer)).access_token]
    const answers = await Promise.all(
      tokens.map(async (token) => {
        const { status } = await ask(issuer, 'revoke', { token })
        return status
      }),
    )
    await child.end('SIGKILL')
    t.deepEqual(answers, [200, 200])
    const next = await installation.startChild()
    for (const token of tokens) {
      t.is(await bitAtProcess(token, next.url), 1)
      t.false(await isActive({ url: next.url, service }, token))
    }
    await next.end('SIGKILL')
  }
})

test.serial('a start resumes those who were following the process before it', async (t) => {
  const { service } = installation
  const first = await installation.startChild()
  const before = await subscribe(first.url)
  const token = await clientToken({ url: first.url, service })
  await ask({ url: first.url, service }, 'revoke', { token })
  const { id = '' } = await before.find(revokes(placeOf(token)))
  const missed = await clientToken({ url: first.url, service })
  await first.end('SIGKILL')
  await before.close()
  const next = await installation.startChild()
  t.teardown(() => next.end())
  await ask({ url: next.url, service }, 'revoke', { token: missed })
  const after = await subscribe(next.url, { 'Last-Event-ID': id })
  t.teardown(() => after.close())
  await after.find(revokes(placeOf(missed)))
  t.is(after.events[0]?.event, 'resumed')
  t.is(after.changes().filter(revokes(placeOf(token))).length, 0)
})
