import { decodeStatusList, StatusList } from '@mintage/verifier/status-list'
import {
  createHeaderAndPayload,
  getListFromStatusListJWT,
  StatusList as OtherList,
} from '@sd-jwt/jwt-status-list'
import test from 'ava'
import fc from 'fast-check'
import { signJwt, startScriptedIssuer } from './kit/scripted-issuer.ts'

function read(list: StatusList, count = list.size): readonly (number | undefined)[] {
  return Array.from({ length: count }, (_, index) => list.get(index))
}

test('the examples of the draft (draft-ietf-oauth-status-list §4) are read as it says', async (t) => {
  const one = await decodeStatusList({ bits: 1, lst: 'eNrbuRgAAhcBXQ' })
  t.deepEqual(read(one), [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1])
  const two = await decodeStatusList({ bits: 2, lst: 'eNo76fITAAPfAgc' })
  t.deepEqual(read(two), [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3])
})

/** Appendix C of the draft: 2^20 entries, all 0 but these. */
const sparse: Readonly<Record<number, number>> = {
  0: 1,
  1993: 1,
  25460: 1,
  159495: 1,
  495669: 1,
  554353: 1,
  645645: 1,
  723232: 1,
  854545: 1,
  934534: 1,
  1000345: 1,
}

test('the vector of the draft for one bit (Appendix C) is read as it says', async (t) => {
  const lst =
    'eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb'
  const list = await decodeStatusList({ bits: 1, lst })
  t.is(list.size, 2 ** 20)
  for (let index = 0; index < list.size; index++) {
    if (list.get(index) !== (sparse[index] ?? 0)) t.fail(String(index))
  }
})

test('another implementation writes, ours reads every status the same', async (t) => {
  const bits = fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const)
  await fc.assert(
    fc.asyncProperty(
      bits,
      fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 300 }),
      async (width, raw) => {
        const statuses = raw
          .slice(0, raw.length - (raw.length % (8 / width)))
          .map((value) => value % 2 ** width)
        fc.pre(statuses.length > 0)
        const lst = new OtherList(statuses, width).compressStatusList()
        t.deepEqual(read(await decodeStatusList({ bits: width, lst })), statuses)
      },
    ),
    { numRuns: 200 },
  )
})

test('indexes and ranges are revoked, and nothing beside them', (t) => {
  const range = fc.tuple(fc.nat({ max: 220 }), fc.nat({ max: 90 }))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 6 }), (ranges) => {
      const list = StatusList.ofSize(200)
      const wished = new Array<number>(200).fill(0)
      for (const [first, length] of ranges) {
        list.revoke(first, first + length)
        wished.fill(1, first, first + length + 1)
      }
      t.deepEqual(read(list), wished.slice(0, 200))
    }),
  )
})

test('a merged list says of each index what either of the two says', (t) => {
  const [short, long] = [StatusList.ofSize(16), StatusList.ofSize(24)]
  short.revoke(3)
  long.revoke(20)
  for (const merged of [short.mergedWith(long), long.mergedWith(short)]) {
    t.is(merged.size, 24)
    t.deepEqual([merged.get(3), merged.get(20), merged.get(4), merged.get(24)], [1, 1, 0, undefined])
  }
  t.is(short.get(20), undefined)
})

test('what is no list is refused, a small text that unpacks to much as well', async (t) => {
  const { deflateSync } = await import('node:zlib')
  const bomb = deflateSync(Buffer.alloc(2 ** 25)).toString('base64url')
  t.true(bomb.length < 50_000)
  for (const member of [
    {},
    { bits: 1 },
    { lst: 'eNrbuRgAAhcBXQ' },
    { bits: 3, lst: 'eNrbuRgAAhcBXQ' },
    { bits: 1, lst: bomb },
  ]) {
    await t.throwsAsync(decodeStatusList(member))
  }
  for (const lst of ['', 'AAAA', 'eNrbuRgAAhcBXQ==', 'eNrbuRgAAhcB', 1]) {
    await t.throwsAsync(decodeStatusList({ bits: 1, lst }), undefined, String(lst))
  }
})

test('the list that the kit of these tests signs is what another implementation reads', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList(64)
  issuer.revoke(uri, 3, 40)
  const list = getListFromStatusListJWT(issuer.signList(uri))
  t.deepEqual(
    Array.from({ length: 64 }, (_, index) => list.getStatus(index)),
    Array.from({ length: 64 }, (_, index) => (index === 3 || index === 40 ? 1 : 0)),
  )
  const { header, payload } = createHeaderAndPayload(
    new OtherList([1, 0, 1, 0, 0, 0, 0, 0], 1),
    { sub: uri, iss: issuer.url, iat: Math.floor(Date.now() / 1_000) },
    { alg: 'RS256', typ: 'statuslist+jwt', kid: issuer.key.kid },
  )
  const { readStatusListToken } = await import('@mintage/verifier/status-list')
  const { list: ours, epoch } = await readStatusListToken(signJwt(header, payload, issuer.key), {
    uri,
    issuer: issuer.url,
    now: Date.now(),
    clockTolerance: 0,
    findKey: async () => issuer.key.publicKey,
  })
  t.deepEqual(read(ours), [1, 0, 1, 0, 0, 0, 0, 0])
  t.is(epoch, undefined)
})
