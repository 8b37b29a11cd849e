import test from 'ava'
import { runMintage } from '../support/child-issuer.ts'
import { makeDirectory, serveEnvironment } from '../support/installation.ts'

test('the word default takes back a life that a client or an API was given', async (t) => {
  const environment = serveEnvironment(makeDirectory(t))
  const run = async (...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> => {
    const { code, stdout, stderr } = await runMintage([...args, '--json'], environment)
    t.is(code, 0, stderr)
    return JSON.parse(stdout)
  }
  const lives = ['--access-token-ttl', '--session-idle-ttl', '--session-ttl', '--retry-window']
  const toNames = (client: Readonly<Record<string, unknown>>) =>
    lives.map((option) => client[option.slice(2).replaceAll('-', '_')])
  const set = await run('client', 'create', '--id', 'app', ...lives.flatMap((option) => [option, '5m']))
  t.deepEqual(toNames(set), ['5m', '5m', '5m', '5m'])
  await run('client', 'update', 'app', ...lives.flatMap((option) => [option, 'default']))
  t.deepEqual(toNames(await run('client', 'get', 'app')), [null, null, null, null])

  await run('api', 'create', 'https://api.example', '--access-token-ttl', '5m')
  await run('api', 'update', 'https://api.example', '--access-token-ttl', 'default')
  t.is((await run('api', 'get', 'https://api.example'))['access_token_ttl'], null)
})
