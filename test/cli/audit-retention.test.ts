import test from 'ava'
import { openInstallation } from '../../src/compose/installation.ts'
import { readConfig } from '../../src/config.ts'
import { day } from '../../src/lib/durations.ts'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

test('a server deletes audit rows that are older than the retention, and the chain goes on from a checkpoint', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const clock = { now: () => Date.now() - 31 * day }
  const onProblem = (error: unknown) => t.fail(String(error))
  const installation = await openInstallation(readConfig(environment), { onProblem, clock })
  for (const name of ['a', 'b', 'c'])
    await installation.administration.apis.create(`https://${name}.example`, {})
  await installation.close()
  const types = async () => {
    const { stdout } = await runMintage(['audit', 'export'], environment)
    return stdout
      .trimEnd()
      .split('\n')
      .map((line): string => JSON.parse(line).type)
  }

  const keeping = await startChildIssuer(['serve'], { ...environment, MINTAGE_AUDIT_RETENTION: 'off' })
  t.is(await keeping.end(), 0)
  t.is((await types()).filter((type) => type === 'api.created').length, 3)

  const issuer = await startChildIssuer(['serve'], { ...environment, MINTAGE_AUDIT_RETENTION: '30d' })
  const left = await eventually(types, (found) => found.includes('audit.pruned'))
  t.true(left.includes('audit.pruned'))
  t.false(left.includes('api.created'))
  t.is(await issuer.end(), 0)
  t.regex((await runMintage(['audit', 'verify'], environment)).stdout, /^Intact: /)
  t.false(issuer.output().includes('audit.not_pruned'))
})
