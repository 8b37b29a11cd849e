import test from 'ava'
import fc from 'fast-check'
import { createHandle, readRefreshToken, writeRefreshToken } from '../../src/sessions/refresh-token.ts'

const key = (byte: number) => Buffer.alloc(32, byte)
const keys = new Map([
  [1, key(1)],
  [4_294_967_295, key(2)],
])
const macKeys = {
  currentMacKey: () => ({ id: 1, key: key(1) }),
  macKey: (id: number) => keys.get(id),
}
const handle = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'))
const generation = fc.integer({ min: 0, max: 4_294_967_295 })

test('security 21: a token says what was written into it, in one spelling', (t) => {
  fc.assert(
    fc.property(handle, generation, fc.constantFrom(...keys.keys()), (handle, generation, id) => {
      const macKey = { id, key: keys.get(id) ?? key(0) }
      const token = writeRefreshToken({ handle, generation }, macKey)
      t.regex(token, /^mrt_[\w-]{76}$/)
      t.is(writeRefreshToken({ handle, generation }, macKey), token)
      t.deepEqual(readRefreshToken(token, macKeys), { handle, generation })
    }),
  )
})

test('security 21: a token of a withdrawn, an unknown or another key is none', (t) => {
  const content = { handle: createHandle(), generation: 3 }
  t.is(readRefreshToken(writeRefreshToken(content, { id: 7, key: key(1) }), macKeys), undefined)
  t.is(readRefreshToken(writeRefreshToken(content, { id: 1, key: key(9) }), macKeys), undefined)
  t.is(readRefreshToken(writeRefreshToken(content, { id: 1, key: key(2) }), macKeys), undefined)
})

test('security 21: whatever text comes, it is a token only if it was written as one', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.base64String().map((value) => `mrt_${value}`),
  )
  const random = fc.uint8Array({ minLength: 57, maxLength: 57 }).map((bytes) => {
    return `mrt_${Buffer.from(bytes).toString('base64url')}`
  })
  fc.assert(
    fc.property(fc.oneof(text, random), (token) => t.is(readRefreshToken(token, macKeys), undefined)),
    { numRuns: 500 },
  )
})
