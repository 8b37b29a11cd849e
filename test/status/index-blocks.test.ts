import test from 'ava'
import { minute } from '../../src/lib/durations.ts'
import { UnavailableError } from '../../src/lib/unavailable-error.ts'
import { InvalidClientError } from '../../src/protocol/errors.ts'
import { blockLife, type HeldPlace, IndexBlocks } from '../../src/status/index-blocks.ts'
import { client } from '../store/table-suite.ts'
import { openTestStore, sqlite } from '../store/test-database.ts'
import { TestClock } from '../support/in-process-issuer.ts'

const listSize = 4_096

async function open(t: Parameters<typeof openTestStore>[0]) {
  const clock = new TestClock()
  const { store, database } = await openTestStore(t, sqlite, clock)
  await store.clients.insert(client)
  const blocks = () => new IndexBlocks({ store, clock, listSize })
  return { clock, store, database, blocks }
}

const name = ({ place }: HeldPlace) => `${place.list} ${place.index}`

test('no place is given twice, by however many processes, over restarts, and blocks grow with the need', async (t) => {
  const { blocks, store } = await open(t)
  const places = new Set<string>()
  let count = 0
  for (let start = 0; start < 3; start++) {
    const processes = [blocks(), blocks()]
    await Promise.all(
      processes.map(async (each) => {
        for (let n = 0; n < 600; n++) {
          places.add(name(await each.forClient(client, minute)))
          count++
        }
      }),
    )
  }
  t.is(places.size, count)
  t.true((await store.status.list()).length > 1)
})

test('places are reserved ahead, so that only the first one waits', async (t) => {
  const { blocks } = await open(t)
  const each = blocks()
  const first = each.forClient(client, minute)
  t.true(first instanceof Promise)
  await first
  let waited = 0
  for (let n = 0; n < 500; n++) {
    const held = each.forClient(client, minute)
    if (held instanceof Promise) {
      waited++
      await held
    }
    // What a request does besides gives the reservation its time.
    if (n % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  t.true(waited < 50, `${waited} of 500 waited`)
})

test('places within a block are given in no order, and a thousand at once all get one', async (t) => {
  const { blocks } = await open(t)
  const each = blocks()
  const held = await Promise.all(Array.from({ length: 1_000 }, () => each.forClient(client, minute)))
  t.is(new Set(held.map(name)).size, 1_000)
  const indexes = held.slice(0, 64).map(({ place }) => place.index)
  t.notDeepEqual(
    indexes,
    [...indexes].sort((a, b) => a - b),
  )
})

test('a block is given up when it is old, when the life is longer than its, or when its client was disabled', async (t) => {
  const { blocks, clock, store } = await open(t)
  const each = blocks()
  const first = await each.forClient(client, minute)
  t.is((await each.forClient(client, minute)).block.start, first.block.start)
  const longer = await each.forClient(client, 2 * minute)
  t.not(longer.block.start, first.block.start)
  t.is((await each.forClient(client, minute)).block.start, longer.block.start)
  clock.advance(blockLife)
  const later = await each.forClient(client, minute)
  t.not(later.block.start, longer.block.start)
  clock.advance(-blockLife)
  const setBack = await each.forClient(client, minute)
  t.not(setBack.block.start, later.block.start)

  await store.clients.update({ ...client, disabledAt: 5, tokensVoidUntil: client.tokensVoidUntil + 5 })
  const fresh = blocks()
  await t.throwsAsync(async () => fresh.forClient(client, minute), { instanceOf: InvalidClientError })
  const enabled = { ...client, tokensVoidUntil: client.tokensVoidUntil + 5 }
  await store.clients.update(enabled)
  t.not((await each.forClient(enabled, minute)).block.start, setBack.block.start)
})

test('a list outlives whatever may refer to it', async (t) => {
  const { blocks, clock, store } = await open(t)
  const { place } = await blocks().forSession(90 * minute)
  const [list] = await store.status.list()
  t.is(list?.id, place.list)
  t.true((list?.neededUntil ?? 0) >= clock.now() + blockLife + 90 * minute)
})

test('without a database the places that are left are given out, and then it is an outage', async (t) => {
  const { blocks, database } = await open(t)
  const each = blocks()
  const { block } = await each.forClient(client, minute)
  const restore = await database.interrupt()
  let given = 1
  const error = await t.throwsAsync(async () => {
    for (;;) {
      await each.forClient(client, minute)
      given++
    }
  })
  t.true(error instanceof UnavailableError)
  t.is(given, block.size)
  await restore()
  t.truthy(await each.forClient(client, minute))
})
