import test from 'ava'
import { openTestIssuer, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { auditTypes, isActive, login, refresh } from '../support/requests.ts'

let issuer: TestIssuer
let token: string
test.before(async () => {
  issuer = await openTestIssuer()
  token = (await login(issuer)).refresh_token
})
test.after.always(() => issuer.stop())

/** Presents each, a few at a time, and tells those that were not refused as an invalid grant. */
async function findAccepted(forgeries: readonly string[]): Promise<readonly string[]> {
  const accepted: string[] = []
  for (let from = 0; from < forgeries.length; from += 16) {
    const batch = forgeries.slice(from, from + 16)
    const answers = await Promise.all(batch.map((forgery) => refresh(issuer, forgery)))
    answers.forEach(({ status, body }, index) => {
      if (status !== 400 || body['error'] !== 'invalid_grant') accepted.push(batch[index] ?? '')
    })
  }
  return accepted
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const change = (index: number, character: string) =>
  token.slice(0, index) + character + token.slice(index + 1)
const positions = () => Array.from({ length: token.length }, (_, index) => index)

test('security 21: every prefix of a refresh token is invalid', async (t) => {
  const prefixes = positions().map((length) => token.slice(0, length))
  t.is(prefixes.length, 80)
  t.deepEqual(await findAccepted(prefixes.slice(1)), [])
})

test('security 21: every suffix, padding, case and spelling of a refresh token is invalid', async (t) => {
  const base64 = token.replaceAll('-', '+').replaceAll('_', '/')
  const forgeries = [
    ...positions()
      .slice(1)
      .map((index) => token.slice(index)),
    ...['=', '==', 'A', '\n', ' ', '\0', '.', '%3D'].flatMap((extra) => [token + extra, extra + token]),
    token.toUpperCase(),
    token.toLowerCase(),
    `mrt_${token}`,
    `${token}${token}`,
    `mrt_${Buffer.from(token.slice(4), 'base64url').toString('hex')}`,
    ...(base64 === token ? [] : [base64]),
  ].filter((forgery) => forgery !== token)
  t.deepEqual(await findAccepted(forgeries), [])
})

test('security 21: every letter in another case is invalid', async (t) => {
  const forgeries = positions()
    .map((index) => {
      const letter = token[index] ?? ''
      return change(index, letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase())
    })
    .filter((forgery) => forgery !== token)
  t.true(forgeries.length > 40)
  t.deepEqual(await findAccepted(forgeries), [])
})

test('security 21: every flipped bit of a refresh token is invalid', async (t) => {
  const bytes = Buffer.from(token.slice(4), 'base64url')
  t.is(bytes.length, 57)
  const forgeries: string[] = []
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    forgeries.push(`mrt_${flipped.toString('base64url')}`)
  }
  t.is(new Set(forgeries).size, 456)
  t.deepEqual(await findAccepted(forgeries), [])
})

test('security 21: no other character anywhere makes a valid token', async (t) => {
  const strange = ['=', '+', '/', '.', ' ', 'é', '\u212a']
  const forgeries = positions().flatMap((index) =>
    [alphabet[(index * 7) % 64] ?? '', ...strange.slice(index % 3, (index % 3) + 2)].map((character) =>
      change(index, character),
    ),
  )
  t.deepEqual(await findAccepted(forgeries.filter((forgery) => forgery !== token)), [])
})

test('security 21: the token of another installation is invalid', async (t) => {
  const other = await startTestIssuer(t)
  t.deepEqual(await findAccepted([(await login(other)).refresh_token]), [])
})

test.after('security 21: none of them had an effect on the session', async (t) => {
  t.false((await auditTypes(issuer)).some((type) => type === 'session.reused'))
  t.true(await isActive(issuer, token))
  t.is((await refresh(issuer, token)).status, 200)
})
