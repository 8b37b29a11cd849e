import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { renderConfiguration, renderExample } from '../../docs/generate/configuration.ts'
import { readConfig, readConfigFile, variables } from '../../src/config.ts'
import { makeDirectory } from '../support/installation.ts'

test('the page has every setting', (t) => {
  const page = renderConfiguration()
  for (const variable of variables) t.true(page.includes(`| \`${variable}\`<br>`), variable)
})

test('the example is a good configuration, as it is and with everything in it switched on', async (t) => {
  const path = join(makeDirectory(t), 'mintage.toml')
  writeFileSync(path, renderExample())
  const file = await readConfigFile(path)
  t.deepEqual([...(file?.entries.keys() ?? [])], ['issuer'])
  t.deepEqual(readConfig({}, { file }), readConfig({ MINTAGE_ISSUER: 'https://issuer.example' }))

  writeFileSync(path, renderExample().replace(/^#(?=[a-z_]+ = )/gm, ''))
  const everything = await readConfigFile(path)
  t.true((everything?.entries.size ?? 0) > 20)
  t.deepEqual(readConfig({}, { file: everything }), {
    ...readConfig({}),
    issuer: 'https://issuer.example',
    adminPortChosen: true,
    stateDir: '/var/lib/mintage',
    hashThreads: 3,
    trustedProxies: ['10.0.0.0/8'],
    corsOrigins: ['https://app.example'],
    djangoClients: { simplejwt: 'web', drfJwt: 'web', pyjwt: 'web' },
  })
})
