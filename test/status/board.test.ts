import { deflateSync, inflateSync } from 'node:zlib'
import test from 'ava'
import { StatusBoard } from '../../src/status/board.ts'

/** Token Status List draft, "Compressed Byte Array" and its example in JSON, one bit each. */
const vector = {
  statuses: [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1],
  bytes: 'b9a3',
  lst: 'eNrbuRgAAhcBXQ',
}

test('the draft’s example has the same bytes here', (t) => {
  const board = new StatusBoard('epoch', 0)
  board.add('list', 16, 1)
  const idx = vector.statuses.flatMap((status, index) => (status === 1 ? [index] : []))
  board.apply({ version: 1, change: { kind: 'revoked', list: 'list', idx } })
  const bits = board.lists.get('list')?.bits ?? Buffer.alloc(0)
  t.is(bits.toString('hex'), vector.bytes)
  t.is(inflateSync(Buffer.from(vector.lst, 'base64url')).toString('hex'), vector.bytes)
  t.is(inflateSync(deflateSync(bits)).toString('hex'), vector.bytes)
  t.deepEqual(
    vector.statuses.map((_status, index) => (board.isRevoked({ list: 'list', index }) ? 1 : 0)),
    vector.statuses,
  )
})

for (const [from, to] of [
  [0, 0],
  [0, 7],
  [3, 12],
  [7, 8],
  [8, 23],
  [5, 39],
  [0, 39],
  [30, 60],
] as const) {
  test(`a range from ${from} to ${to} sets those bits and no other`, (t) => {
    const board = new StatusBoard('epoch', 0)
    board.add('list', 40, 1)
    board.apply({ version: 2, change: { kind: 'revoked', list: 'list', ranges: [[from, to]] } })
    const bits = board.lists.get('list')?.bits ?? Buffer.alloc(0)
    t.is(bits.length, 5)
    for (let index = 0; index < 40; index++) {
      const isSet = ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
      t.is(isSet, index >= from && index <= to, String(index))
    }
  })
}

test('what no list in use can say is revoked, and a retired list is forgotten', (t) => {
  const board = new StatusBoard('epoch', 0)
  t.true(board.isRevoked({ list: 'list', index: 0 }))
  board.apply({ version: 1, change: { kind: 'list', list: 'list', size: 8 } })
  t.false(board.isRevoked({ list: 'list', index: 0 }))
  t.true(board.isRevoked({ list: 'list', index: 8 }))
  board.apply({ version: 2, change: { kind: 'retired', list: 'list' } })
  t.true(board.isRevoked({ list: 'list', index: 0 }))
  t.is(board.version, 2)
})
