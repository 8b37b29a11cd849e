import test from 'ava'
import { Remembered } from '../../src/lib/remembered.ts'

test('what was found is loaded once, until it is told to forget', async (t) => {
  let loads = 0
  const remembered = new Remembered(async (key: string) => `${key}${++loads}`)
  t.is(remembered.peek('a'), undefined)
  t.is(await remembered.get('a'), 'a1')
  t.is(await remembered.get('a'), 'a1')
  t.is(remembered.peek('a'), 'a1')
  remembered.forget()
  t.is(remembered.peek('a'), undefined)
  t.is(await remembered.get('a'), 'a2')
})

test('what was not found is looked for again', async (t) => {
  let value: string | undefined
  const remembered = new Remembered(async () => value)
  t.is(await remembered.get('a'), undefined)
  value = 'there'
  t.is(await remembered.get('a'), 'there')
})

test('what was being loaded while it was told to forget is not remembered', async (t) => {
  let value = 'old'
  let arrive: () => void = () => undefined
  const remembered = new Remembered(async () => {
    const read = value
    await new Promise<void>((resolve) => {
      arrive = resolve
    })
    return read
  })
  const underWay = remembered.get('a')
  value = 'new'
  remembered.forget()
  arrive()
  t.is(await underWay, 'old')
  const next = remembered.get('a')
  arrive()
  t.is(await next, 'new')
})

test('a failure is not remembered', async (t) => {
  let fails = true
  const remembered = new Remembered(async () => {
    if (fails) throw new Error('gone')
    return 'there'
  })
  await t.throwsAsync(remembered.get('a'), { message: 'gone' })
  fails = false
  t.is(await remembered.get('a'), 'there')
})
