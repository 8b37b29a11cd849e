import test from 'ava'
import { runMintageBatch } from '../support/child-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

test('a client is told the names of its cookies, and has none again when they are turned off', async (t) => {
  const commands = [
    ['client', 'create', '--id', 'web', '--public', '--grant', 'password', '--cookies', 'lax', '--json'],
    ['client', 'update', 'web', '--name', 'Shop', '--json'],
    ['client', 'update', 'web', '--cookies', 'strict', '--json'],
    ['client', 'update', 'web', '--cookies', 'off', '--json'],
    ['client', 'update', 'web', '--cookies', 'none', '--json'],
  ]
  const results = await runMintageBatch(commands, serveEnvironment(makeDirectory(t)))
  const names = { access: '__Host-web-access', refresh: '__Secure-web-refresh' }
  const told = results.slice(0, 4).map(({ stdout }) => JSON.parse(stdout).cookies)
  const [lax, strict] = ['lax', 'strict'].map((same_site) => ({ same_site, ...names }))
  t.deepEqual(told, [lax, lax, strict, null])
  t.is(results[4]?.code, 2)
  t.regex(results[4]?.stderr ?? '', /Allowed choices are off, strict, lax/)
})
