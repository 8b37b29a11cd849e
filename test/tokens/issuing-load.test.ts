import test from 'ava'
import { OverloadedError } from '../../src/lib/overloaded-error.ts'
import { IssuingLoad } from '../../src/tokens/issuing-load.ts'

/** Room for 160, a sixteenth of which is 10; its time stands still until it is moved. */
function open(retryWithin = 15_000) {
  let now = 0
  const load = new IssuingLoad({ most: 160, retryWithin, now: () => now })
  const finishing: (() => void)[] = []
  return {
    load,
    pass(milliseconds: number) {
      now += milliseconds
    },
    begin(count: number) {
      for (let begun = 0; begun < count; begun++)
        void load.during(() => new Promise<void>((resolve) => finishing.push(resolve)))
    },
    async finish(count: number) {
      for (const resolve of finishing.splice(0, count)) resolve()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

const roomFor = (load: IssuingLoad) => ({
  client: load.hasRoomFor('client_credentials'),
  login: load.hasRoomFor('password'),
  refresh: load.hasRoomFor('refresh_token'),
})

test('a wave may fill the room: clients half of it, logins three quarters, refreshes all', (t) => {
  const { load, begin } = open()
  begin(79)
  t.deepEqual(roomFor(load), { client: true, login: true, refresh: true })
  begin(1)
  t.deepEqual(roomFor(load), { client: false, login: true, refresh: true })
  begin(40)
  t.deepEqual(roomFor(load), { client: false, login: false, refresh: true })
  begin(39)
  t.true(load.hasRoomFor('refresh_token'))
  begin(1)
  t.deepEqual(roomFor(load), { client: false, login: false, refresh: false })
  t.throws(() => load.check('refresh_token'), { instanceOf: OverloadedError })
})

test('where a wave does not pass there is little room, until nobody was refused for a second', async (t) => {
  const { load, begin, finish, pass } = open()
  begin(12)
  pass(1_001)
  t.deepEqual(roomFor(load), { client: false, login: false, refresh: false })
  await finish(3)
  t.is(load.underWay, 9)
  t.deepEqual(roomFor(load), { client: false, login: false, refresh: true })
  pass(900)
  load.refuse('client_credentials')
  pass(900)
  begin(1)
  t.false(load.hasRoomFor('refresh_token'), 'Somebody was refused less than a second ago.')
  pass(101)
  t.true(load.hasRoomFor('refresh_token'))
})

test('few tokens for a long time are no crowd', async (t) => {
  const { load, begin, finish, pass } = open()
  begin(9)
  pass(3_600_000)
  begin(60)
  t.true(load.hasRoomFor('client_credentials'))
  await finish(60)
  pass(3_600_000)
  begin(60)
  t.true(load.hasRoomFor('client_credentials'))
})

test('a refused refresh is told to come again within half its retry window, others at random', (t) => {
  const { load } = open(1_500)
  const told = (grant: 'refresh_token' | 'password') =>
    [...new Set(Array.from({ length: 100 }, () => load.refuse(grant)))].sort()
  t.deepEqual(told('refresh_token'), [1])
  t.deepEqual(told('password'), [1, 2, 3])
})
