import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { cleanEnvironment } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { type Fate, startFaultyProxy } from '../support/faulty-proxy.ts'
import { password, startTestIssuer, type TestIssuer } from '../support/in-process-issuer.ts'
import { makeDirectory } from '../support/installation.ts'
import { post } from '../support/oauth.ts'

const example = fileURLToPath(new URL('../../../examples/retrying-client/', import.meta.url))

/** The module of the example, as far as it is used here. */
interface Example {
  readonly TokenClient: new (options: {
    readonly issuer: string
    readonly clientId: string
    readonly store: Store
    readonly lock?: <T>(work: () => Promise<T>) => Promise<T>
  }) => {
    login(username: string, password: string): Promise<void>
    accessToken(minLife?: number): Promise<string>
  }
}

interface Store {
  read(): Promise<unknown>
  write(value: unknown): Promise<void>
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The example as a program: its own process, its tokens in a file. */
function makeProgram(t: ExecutionContext, issuer: string) {
  const store = join(makeDirectory(t), 'tokens.json')
  // More than a token's life, so that each run refreshes.
  const settings = { ISSUER: issuer, CLIENT_ID: 'app', STORE: store, MIN_LIFE: '100000' }
  const start = (args: readonly string[], stdin = ''): ChildProcess => {
    const child = spawn(process.execPath, [join(example, 'main.js'), ...args], {
      env: cleanEnvironment(settings),
    })
    child.stdin.end(stdin)
    return child
  }
  return {
    store,
    state: (): Readonly<Record<string, unknown>> => JSON.parse(readFileSync(store, 'utf8')),
    start,
    async run(args: readonly string[], stdin?: string): Promise<Ended> {
      const child = start(args, stdin)
      let stdout = ''
      let stderr = ''
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
      })
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr += text
      })
      const [code] = await once(child, 'close')
      return { code, stdout, stderr }
    },
  }
}

async function countGenerations({ administration }: TestIssuer): Promise<number | undefined> {
  const sessions = await administration.sessions.list({})
  return sessions.length === 1 && sessions[0]?.endedAt === null ? sessions[0].generation : undefined
}

test('the example client outlives every way to lose an answer, and steps its session once a refresh (row 19)', async (t) => {
  const issuer = await startTestIssuer(t)
  // The login goes through; then each refresh meets all that can happen before one gets through.
  const trouble: readonly Fate[] = ['lose', 'drop', 'outage', 'cut', 'pass']
  const proxy = await startFaultyProxy(t, issuer.url, (index) =>
    index === 0 ? 'pass' : (trouble[(index - 1) % trouble.length] ?? 'pass'),
  )
  const program = makeProgram(t, proxy.url)
  t.is((await program.run(['login', 'ada'], `${password}\n`)).code, 0)
  const tokens = new Set<string>()
  for (let refresh = 1; refresh <= 2; refresh++) {
    const { code, stdout, stderr } = await program.run(['token'])
    t.is(code, 0, stderr)
    tokens.add(stdout)
    t.is(await countGenerations(issuer), refresh)
  }
  t.is(tokens.size, 2)
  for (const fate of trouble) t.true(proxy.count(fate) >= 2, fate)
  t.is(program.state()['retry_key'], undefined)
  t.is(statSync(program.store).mode & 0o777, 0o600)
})

test('the example client, killed while it waits, goes on with the same key although no window is left (row 19)', async (t) => {
  const issuer = await startTestIssuer(t, { environment: { MINTAGE_REFRESH_RETRY_WINDOW: '0s' } })
  const proxy = await startFaultyProxy(t, issuer.url, (index) => (index === 1 ? 'hold' : 'pass'))
  const program = makeProgram(t, proxy.url)
  t.is((await program.run(['login', 'ada'], password)).code, 0)

  const child = program.start(['token'])
  const ended = once(child, 'close')
  t.is(
    await eventually(
      () => countGenerations(issuer),
      (generation) => generation === 1,
    ),
    1,
  )
  child.kill('SIGKILL')
  await ended
  t.is(typeof program.state()['retry_key'], 'string')

  t.is((await program.run(['token'])).code, 0)
  t.is(await countGenerations(issuer), 1, 'the second try was a retry of the first')
  t.is((await program.run(['token'])).code, 0)
  t.is(await countGenerations(issuer), 2)
})

test('the example client says when only a login helps, and forgets what is of no use', async (t) => {
  const issuer = await startTestIssuer(t)
  const program = makeProgram(t, issuer.url)
  t.is((await program.run(['token'])).code, 3)
  t.is((await program.run(['login', 'ada'], 'a wrong password')).code, 1)
  t.is((await program.run(['login', 'ada'], password)).code, 0)
  await issuer.administration.sessions.revokeAll()
  const { code, stderr } = await program.run(['token'])
  t.is(code, 3)
  t.is(stderr, 'The session is over: log in again.\n')
  t.is(readFileSync(program.store, 'utf8'), 'null')
})

test('the example client that lost its session to a thief ends it for the thief too', async (t) => {
  const issuer = await startTestIssuer(t)
  const program = makeProgram(t, issuer.url)
  t.is((await program.run(['login', 'ada'], password)).code, 0)
  const steal = (refreshToken: unknown) =>
    post(
      `${issuer.url}/oauth2/token`,
      { grant_type: 'refresh_token', refresh_token: String(refreshToken), client_id: issuer.app.id },
      { 'Idempotency-Key': 'of-the-thief' },
    )
  const stolen = await steal(program.state()['refresh_token'])
  t.is(stolen.status, 200)
  t.is((await program.run(['token'])).code, 3)
  t.is((await steal(stolen.body['refresh_token'])).status, 400)
  t.is(await countGenerations(issuer), undefined)
})

test('the example client keeps its tokens when the issuer does not know the client any more', async (t) => {
  const issuer = await startTestIssuer(t)
  const program = makeProgram(t, issuer.url)
  t.is((await program.run(['login', 'ada'], password)).code, 0)
  const before = program.state()['refresh_token']
  await issuer.administration.clients.disable('app')
  t.is((await program.run(['token'])).code, 1)
  t.is(program.state()['refresh_token'], before)
})

test('two tabs with one store and a lock refresh once and agree (row 19)', async (t) => {
  const issuer = await startTestIssuer(t)
  const { TokenClient }: Example = await import(new URL(`file://${example}token-client.js`).href)
  let value: unknown
  const store = {
    read: async () => value,
    write: async (next: unknown) => {
      value = next
    },
  }
  let last: Promise<unknown> = Promise.resolve()
  const lock = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }
  const tabs = Array.from(
    { length: 5 },
    () => new TokenClient({ issuer: issuer.url, clientId: 'app', store, lock }),
  )
  await tabs[0]?.login('ada', password)
  value = { ...Object(value), expires_at: 0 }
  const tokens = await Promise.all(tabs.flatMap((tab) => [tab.accessToken(), tab.accessToken()]))
  t.is(new Set(tokens).size, 1)
  t.is(await countGenerations(issuer), 1)
})
