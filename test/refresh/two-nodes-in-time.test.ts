import test from 'ava'
import fc from 'fast-check'
import { hour, minute, second } from '../../src/lib/durations.ts'
import { TestClock } from '../support/in-process-issuer.ts'
import { createInstallation } from '../support/shared-installation.ts'
import { act, ageCommand, clientCommands, clockCommand } from './commands.ts'
import { startInProcess } from './nodes.ts'
import { effort, runModel } from './run-model.ts'

const retryWindow = 30 * second
const idleTtl = 2 * hour
const ttl = 150 * minute

/** Around every life there is, and what a clock that was set wrong is off by. */
const jumps = [
  ...[1, retryWindow - 1, retryWindow, retryWindow + 1, minute],
  ...[ttl - idleTtl, hour, hour, hour, idleTtl - 1, idleTtl],
]

test('rows 19 and 20: two nodes keep the table of the design while time goes by, stands still and goes back', async (t) => {
  t.timeout(effort * 3 * minute)
  const clock = new TestClock()
  const installation = await createInstallation({
    clock,
    environment: {
      MINTAGE_REFRESH_RETRY_WINDOW: '30s',
      MINTAGE_SESSION_IDLE_TTL: '2h',
      MINTAGE_SESSION_TTL: '150m',
      // What rotating does at such jumps has tests of its own.
      MINTAGE_KEY_ROTATION: '3650d',
    },
  })
  const nodes = await startInProcess(installation, clock)
  t.teardown(async () => {
    await nodes.close()
    await installation.close()
  })
  const clients = clientCommands(installation)
  const move = clockCommand(installation, clock, jumps)
  const restart = fc
    .constantFrom(0, 1)
    .map((node) => act(`restart(${node})`, (world) => world.step([{ kind: 'kill', node, after: 0 }])))
  await runModel(t, {
    installation,
    nodes,
    lives: { retryWindow, idleTtl, ttl },
    commands: [...clients, ...clients, move, move, move, ageCommand(installation, clock, hour), restart],
    runs: 30 * effort,
    maxCommands: 40,
  })
})
