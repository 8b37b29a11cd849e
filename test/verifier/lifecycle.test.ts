import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { eventually } from '../support/eventually.ts'
import { audience, type ScriptedIssuer, startScriptedIssuer } from './kit/scripted-issuer.ts'
import { watch } from './kit/verifying.ts'

/** Runs a module that makes a verifier, and resolves to how it ended and what it wrote. */
async function run(
  t: ExecutionContext,
  issuer: ScriptedIssuer,
  body: string,
): Promise<{ code: number; output: string }> {
  const source = `import { createVerifier } from '@mintage/verifier'
    const verifier = createVerifier({ issuer: '${issuer.url}', audience: '${audience}' })
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source])
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = await once(child, 'close')
  return { code, output }
}

test('an idle verifier keeps no process alive, though its stream is open', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const { code, output } = await run(t, issuer, "await verifier.ready(); console.log('ready')")
  t.is(output, 'ready\n')
  t.is(code, 0)
  t.is(issuer.count('events'), 1)
})

test('ready keeps the process alive until its time is over, and says what is missing', async (t) => {
  const issuer = await startScriptedIssuer(t)
  issuer.answers.set('jwks', (_, response) => response.writeHead(500).end())
  const body = "await verifier.ready('1s').catch((error) => console.log(error.status, error.message))"
  const { code, output } = await run(t, issuer, body)
  t.is(output, '503 The keys of the issuer cannot be had.\n')
  t.is(code, 0)
  issuer.answers.clear()
  issuer.answers.set('events', (_, response) => response.writeHead(404).end())
  issuer.answers.set('aggregation', (_, response) => response.writeHead(404).end())
  const without = await run(t, issuer, body)
  t.is(without.output, '503 Nobody can say whether the token was revoked.\n')
})

test('close ends the stream and every timer', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const { verifier } = watch(t, issuer, { pollInterval: 50 })
  await verifier.ready()
  t.is(issuer.streams.size, 1)
  verifier.close()
  const left = await eventually(
    async () => issuer.streams.size,
    (size) => size === 0,
  )
  t.is(left, 0)
  const asked = issuer.requests.length
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.is(issuer.requests.length, asked)
})

test('a fetch that was given is used for everything', async (t) => {
  const issuer = await startScriptedIssuer(t)
  const uri = issuer.addList()
  const asked: string[] = []
  const { verifier } = watch(t, issuer, {
    fetch: (url, init) => {
      asked.push(new URL(url).pathname)
      return fetch(url, init)
    },
  })
  await verifier.ready()
  await verifier.verify(issuer.mintOn(uri).token)
  t.deepEqual(
    new Set(asked),
    new Set(['/.well-known/jwks.json', '/status-lists/events', new URL(uri).pathname]),
  )
})
