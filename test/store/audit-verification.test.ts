import test from 'ava'
import fc from 'fast-check'
import type { ChainRecord } from '../../src/store/audit/chain-record.ts'
import type { SealedRecord } from '../../src/store/audit/chain-table.ts'
import { genesisOf, sealRow, signCheckpoint, stampRow } from '../../src/store/audit/seal.ts'
import { type AuditSource, verifyTrail } from '../../src/store/audit/verification.ts'

const key = { id: 7, bytes: Buffer.alloc(32, 7) }
const installation = 'ins_test'

/** A trail as Mintage writes it: `sealed` rows in the chain and `unsealed` ones behind it. */
function write(sealed: number, unsealed: number): { rows: SealedRecord[]; chain: ChainRecord } {
  let seal = genesisOf(installation, 0)
  const rows: SealedRecord[] = []
  for (let id = 1; id <= sealed + unsealed; id++) {
    const text = { at: 1_700_000_000_000 + id * 1_000, type: 'user.created', data: `{"user":"usr_${id}"}` }
    const row = { id, ...text, stamp: stampRow(key, text) }
    if (id > sealed) rows.push({ ...row, sequence: null, seal: null })
    else {
      seal = sealRow(key, seal, id, row)
      rows.push({ ...row, sequence: id, seal })
    }
  }
  const chain = {
    installation,
    epoch: 'e',
    key: key.id,
    adopted: 0,
    sequence: sealed,
    seal: sealed === 0 ? '' : seal,
    checkpoint: undefined,
    isPending: unsealed > 0,
  }
  return { rows, chain }
}

/** Answers as the tables would. */
function sourceOf(rows: readonly SealedRecord[], chain: ChainRecord): AuditSource {
  const inOrder = [...rows].sort((a, b) => (a.sequence ?? 0) - (b.sequence ?? 0) || a.id - b.id)
  const stamps = rows.map(({ stamp }) => stamp).filter((stamp) => stamp !== null)
  return {
    read: async () => chain,
    sealed: async (after, limit) =>
      inOrder.filter(({ sequence }) => sequence !== null && sequence > after).slice(0, limit),
    unsealed: async (after, limit) =>
      inOrder.filter(({ sequence, id }) => sequence === null && id > after).slice(0, limit),
    copiedStamps: async () => new Set(stamps.filter((stamp, index) => stamps.indexOf(stamp) !== index)),
  }
}

const verify = (rows: readonly SealedRecord[], chain: ChainRecord) =>
  verifyTrail(sourceOf(rows, chain), async (id) => (id === key.id ? key : undefined))

test('rows that are pruned while they are verified are not told as deleted', async (t) => {
  const { rows, chain } = write(10, 0)
  const { seal } = rows[4] as SealedRecord & { readonly seal: string }
  const cut = signCheckpoint(key, { sequence: 5, seal, at: 1_700_000_100_000 }, genesisOf(installation, 0))
  const after = sourceOf(rows.slice(5), { ...chain, checkpoint: cut })
  let isPruned = false
  const source: AuditSource = {
    ...after,
    read: async () => (isPruned ? after.read() : chain),
    sealed: async (...from) => {
      isPruned = true
      return after.sealed(...from)
    },
  }
  const verdict = await verifyTrail(source, async () => key)
  t.deepEqual(verdict.findings, [])
  t.is(verdict.rows, 5)
})

/** What somebody who writes to the database and has no key may do to row `index` of a trail. */
const manipulations = {
  at: (rows, index) => alter(rows, index, (row) => ({ at: row.at + 1 })),
  type: (rows, index) => alter(rows, index, () => ({ type: 'user.deleted' })),
  data: (rows, index) => alter(rows, index, () => ({ data: '{"user":"usr_0"}' })),
  id: (rows, index) => alter(rows, index, () => ({ id: 10_000 })),
  stamp: (rows, index, other) => alter(rows, index, () => ({ stamp: rows[other]?.stamp ?? null })),
  noStamp: (rows, index) => alter(rows, index, () => ({ stamp: null })),
  seal: (rows, index, other) => alter(rows, index, () => ({ seal: rows[other]?.seal ?? null })),
  noise: (rows, index) => alter(rows, index, () => ({ seal: 'noise' })),
  delete: (rows, index) => rows.filter((_row, each) => each !== index),
  cut: (rows, index) => rows.slice(0, index),
  unseal: (rows, index) => alter(rows, index, () => ({ sequence: null, seal: null })),
  swap: (rows, index, other) =>
    rows.map((row, each) => {
      const place = each === index ? rows[other] : each === other ? rows[index] : row
      return { ...row, sequence: place?.sequence ?? null }
    }),
  insert: (rows, _index, other) => {
    const forged = {
      id: 10_000,
      at: 1_700_000_000_000,
      type: 'user.deleted',
      data: '{}',
      sequence: null,
      seal: null,
    }
    return [...rows, { ...forged, stamp: rows[other]?.stamp ?? null }]
  },
  append: (rows, index) => {
    const row = rows[index]
    return row ? [...rows, { ...row, id: 10_000, sequence: 10_000 }] : rows
  },
  copy: (rows, index) => {
    const row = rows[index]
    return row ? [...rows, { ...row, id: 10_000, sequence: null, seal: null }] : rows
  },
} satisfies Record<
  string,
  (rows: readonly SealedRecord[], index: number, other: number) => readonly SealedRecord[]
>

function alter(
  rows: readonly SealedRecord[],
  index: number,
  change: (row: SealedRecord) => Partial<SealedRecord>,
): readonly SealedRecord[] {
  return rows.map((row, each) => (each === index ? { ...row, ...change(row) } : row))
}

const lengths = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5 }))

test('a trail that nobody has touched is intact, whatever its length', async (t) => {
  await fc.assert(
    fc.asyncProperty(lengths, async ([sealed, unsealed]) => {
      const { rows, chain } = write(sealed, unsealed)
      const verdict = await verify(rows, chain)
      return verdict.intact && verdict.rows === sealed + unsealed && verdict.unsealed === unsealed
    }),
    { numRuns: 50 },
  )
  t.pass()
})

for (const [name, manipulate] of Object.entries(manipulations)) {
  test(`a sealed row is manipulated without the key and it shows: ${name}`, async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 40 }),
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 5 }),
        async (sealed, first, second, unsealed) => {
          const index = first % sealed
          const other = (index + 1 + (second % (sealed - 1))) % sealed
          const { rows, chain } = write(sealed, unsealed)
          return !(await verify(manipulate(rows, index, other), chain)).intact
        },
      ),
      { numRuns: 30 },
    )
    t.pass()
  })
}

test('several manipulations at once never cancel each other out', async (t) => {
  const names = Object.keys(manipulations) as (keyof typeof manipulations)[]
  const step = fc.record({ name: fc.constantFrom(...names), index: fc.nat(), other: fc.nat() })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 30 }),
      fc.array(step, { minLength: 1, maxLength: 6 }),
      async (sealed, steps) => {
        const { rows, chain } = write(sealed, 0)
        let changed: readonly SealedRecord[] = rows
        for (const { name, index, other } of steps) {
          if (changed.length === 0) break
          changed = manipulations[name](changed, index % changed.length, other % changed.length)
        }
        // Whoever puts everything back as it was has changed nothing.
        const isSame = JSON.stringify(changed) === JSON.stringify(rows)
        return isSame || !(await verify(changed, chain)).intact
      },
    ),
    { numRuns: 200 },
  )
  t.pass()
})

test('one manipulated row is told once, by its id, place and time', async (t) => {
  const { rows, chain } = write(20, 0)
  const at = rows[9]?.at
  const tell = async (changed: readonly SealedRecord[], head = chain) =>
    (await verify(changed, head)).findings
  t.like(await tell(manipulations.data(rows, 9)), [{ problem: 'changed', id: 10, sequence: 10, at }])
  t.like(await tell(manipulations.noise(rows, 9)), [{ problem: 'moved', id: 10, sequence: 10, at }])
  t.like(await tell(manipulations.delete(rows, 9)), [{ problem: 'deleted', sequence: 10, at: rows[8]?.at }])
  t.like(await tell(manipulations.cut(rows, 9)), [{ problem: 'cut', sequence: 10, at: rows[8]?.at }])
  t.like(await tell(rows, { ...chain, seal: '7.other' }), [{ problem: 'forged', sequence: 20 }])
  const swapped = (await tell(manipulations.swap(rows, 3, 9))).map(({ problem, id }) => [problem, id])
  t.deepEqual(swapped, [
    ['moved', 10],
    ['moved', 4],
  ])
  for (const manipulate of [
    manipulations.data,
    manipulations.noise,
    manipulations.delete,
    manipulations.cut,
  ]) {
    t.is((await tell(manipulate(rows, 9))).length, 1)
  }
})

test('a checkpoint that nobody signed is told, and rows behind a signed one are still verified', async (t) => {
  const { signCheckpoint } = await import('../../src/store/audit/seal.ts')
  const { rows, chain } = write(20, 0)
  const cut = { sequence: 5, seal: rows[4]?.seal ?? '', at: 1 }
  const checkpoint = signCheckpoint(key, cut, genesisOf(installation, 0))
  const kept = rows.slice(5)
  t.true((await verify(kept, { ...chain, checkpoint })).intact)
  t.like((await verify(kept, { ...chain, checkpoint: { ...checkpoint, at: 2 } })).findings, [
    { problem: 'forged' },
  ])
  t.like((await verify(kept.slice(1), { ...chain, checkpoint })).findings, [
    { problem: 'deleted', sequence: 6 },
  ])
  t.like((await verify(kept, chain)).findings, [{ problem: 'deleted', sequence: 1 }])
})
