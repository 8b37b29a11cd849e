import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { createLogger, type Logger, logEvents } from '../../src/events/log.ts'
import { logHostileEvents, sendHostileRequests } from '../faults/log-run.ts'
import { hostilePieces, isHarmless } from '../support/hostile-text.ts'

/** A logger that writes to a file, and what it has written. */
function openLog(t: ExecutionContext): { readonly logger: Logger; read(): readonly string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-log-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'log')
  return {
    logger: createLogger('info', file),
    read: () => readFileSync(file, 'utf8').split('\n').slice(0, -1),
  }
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc.array(fc.constantFrom(...hostilePieces), { maxLength: 5 }).map((pieces) => pieces.join('')),
)

test('security 37: any text in an event is one harmless line, and reads back as it was', async (t) => {
  const { logger, read } = openLog(t)
  const write = logEvents(logger)
  const names: string[] = []
  const property = fc.property(anyText, (text) => {
    names.push(text)
    write({ type: 'login.failed', reason: 'unknown', client: text })
  })
  fc.assert(property, { numRuns: 2_000 })
  await turn()
  const lines = read()
  t.is(lines.length, names.length)
  for (const [index, line] of lines.entries()) {
    t.true(isHarmless(line), JSON.stringify(names[index]))
    t.deepEqual(JSON.parse(line).client, names[index])
  }
})

test('security 37: any text in an error, its stack and its cause is one harmless line', async (t) => {
  const { logger, read } = openLog(t)
  const messages: string[] = []
  const property = fc.property(anyText, (text) => {
    messages.push(text)
    logger.error({ event: 'request.failed', err: new Error(text, { cause: new Error(text) }) })
  })
  fc.assert(property, { numRuns: 500 })
  await turn()
  const lines = read()
  t.is(lines.length, messages.length)
  for (const [index, line] of lines.entries()) {
    t.true(isHarmless(line), JSON.stringify(messages[index]))
    t.is(JSON.parse(line).err.cause.message, messages[index])
  }
})

test('security 36: a field that is called like a secret shows nothing', async (t) => {
  const { logger, read } = openLog(t)
  logger.info({
    event: 'x',
    password: 'canary',
    authorization: 'canary',
    refresh_token: 'canary',
    client: 'a',
  })
  await turn()
  t.notRegex(read().join(), /canary/)
  t.is(JSON.parse(read()[0] ?? '').client, 'a')
})

test('security 36: of what libraries hang on an error, only its code is logged', async (t) => {
  const { logger, read } = openLog(t)
  const error = Object.assign(new Error('sad'), { code: 'ESAD', body: 'canary', headers: { a: 'canary' } })
  logger.error({ event: 'request.failed', err: error })
  await turn()
  t.notRegex(read().join(), /canary/)
  t.is(JSON.parse(read()[0] ?? '').err.code, 'ESAD')
})

test('security 37: hostile events and requests make exactly one line each', async (t) => {
  const written = await logHostileEvents(20_000)
  t.is(written.lines, 20_000)
  t.is(written.broken + written.harmful, 0)
  t.false('forged' in written.events)
  t.is(written.events['user.created'], 5_000)

  const sent = await sendHostileRequests(60)
  t.is(sent.broken + sent.harmful, 0)
  t.false('forged' in sent.events)
  t.is(sent.failedLogins, 60)
  t.is(sent.events['login.failed'], 60)
  t.is(sent.failedClients, 60)
  t.is(sent.events['client.authentication_failed'], 60)
})

test('the last lines of a process are written, however it ends', (t) => {
  const log = fileURLToPath(new URL('../../src/events/log.js', import.meta.url))
  for (const end of ['process.exit(0)', 'throw new Error("the end")']) {
    const script = `const { createLogger } = await import(${JSON.stringify(log)})
      createLogger('info').info({ event: 'last' }); ${end}`
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
    t.is(JSON.parse(run.stdout).event, 'last', end)
  }
})
