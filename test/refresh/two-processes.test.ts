import test from 'ava'
import fc from 'fast-check'
import { day, minute } from '../../src/lib/durations.ts'
import { createInstallation } from '../support/shared-installation.ts'
import { clientCommands, killCommand } from './commands.ts'
import { startProcesses } from './nodes.ts'
import { effort, runModel } from './run-model.ts'

test('row 19: two processes keep the table of the design while answers get lost and nodes are killed', async (t) => {
  t.timeout(effort * 3 * minute)
  // The window outlasts the test, so that what is right does not depend on how fast it runs.
  const installation = await createInstallation({ environment: { MINTAGE_REFRESH_RETRY_WINDOW: '1h' } })
  const nodes = await startProcesses(installation)
  t.teardown(async () => {
    await nodes.close()
    await installation.close()
  })
  const clients = clientCommands(installation)
  await runModel(t, {
    installation,
    nodes,
    lives: { retryWindow: 60 * minute, idleTtl: 7 * day, ttl: 90 * day },
    commands: [...clients, ...clients, fc.oneof(killCommand(installation))],
    runs: 8 * effort,
    maxCommands: 25,
  })
})
