import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  cleanEnvironment,
  executable,
  findFreePort,
  runMintage,
  startChildIssuer,
} from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, post, toPair } from '../support/oauth.ts'

/** Mounts a disk of one megabyte; undefined where that is not allowed. */
function mountSmallDisk(t: ExecutionContext): string | undefined {
  const disk = join(makeDirectory(t), 'disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'pipe' })
  } catch (error) {
    t.log(`SKIPPED: no disk can be mounted here, so that a full one was not tried: ${error}`)
    return undefined
  }
  t.teardown(() => execFileSync('umount', ['-l', disk]))
  return disk
}

/** Takes all the room that is left on the disk, except `spare` bytes. */
function fill(disk: string, spare = 0): { free(): void } {
  const filler = join(disk, 'filler')
  for (let block = 65_536; block >= 4_096; ) {
    try {
      appendFileSync(filler, Buffer.alloc(block))
    } catch {
      block /= 2
    }
  }
  if (spare > 0) execFileSync('truncate', ['-s', `-${spare}`, filler])
  return { free: () => rmSync(filler) }
}

test.serial('a first start on a full disk says so, and the next one repairs what it left', async (t) => {
  const disk = mountSmallDisk(t)
  if (disk === undefined) {
    t.pass()
    return
  }
  const environment = serveEnvironment(disk)
  for (const spare of [0, 8_192, 65_536, 131_072, 262_144]) {
    const filled = fill(disk, spare)
    const { code, stderr } = await runMintage(['migrate'], environment)
    filled.free()
    if (code === 0 && spare > 0) break
    t.is(code, 1, stderr)
    t.regex(stderr, /^mintage: .*(full|space|room|writable)[^\n]*\n$/, `spare ${spare}`)
  }
  const issuer = await startChildIssuer(['serve'], environment)
  t.is((await fetch(`${issuer.url}/readyz`)).status, 200)
  t.is(await issuer.end(), 0)
})

test.serial('a full disk while it runs: 503, keys go on, nothing is lost, and it recovers', async (t) => {
  const disk = mountSmallDisk(t)
  if (disk === undefined) {
    t.pass()
    return
  }
  // Keys and log lie elsewhere, so that only the database is without room.
  const environment = { ...serveEnvironment(disk), MINTAGE_KEYS_DIR: join(makeDirectory(t), 'keys') }
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const token = `${issuer.url}/oauth2/token`
  const client = basic(service)
  const login = () => post(token, { grant_type: 'password', username: 'ada', password }, client)
  const refresh = (refresh_token: string) =>
    post(token, { grant_type: 'refresh_token', refresh_token }, client)

  let { refresh_token } = toPair(await login())
  const spent = refresh_token
  refresh_token = toPair(await refresh(refresh_token)).refresh_token
  // From now on it has places of the status lists for more, without the database.
  t.is((await post(token, { grant_type: 'client_credentials' }, client)).status, 200)
  const filled = fill(disk)
  // The write-ahead log may hold some room of its own.
  let answer = await refresh(refresh_token)
  for (let round = 0; round < 2_000 && answer.status === 200; round++) {
    refresh_token = toPair(answer).refresh_token
    answer = await refresh(refresh_token)
  }
  t.is(answer.status, 503, answer.text)
  t.regex(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  t.is(answer.body['error'], 'temporarily_unavailable')
  t.notRegex(answer.text, /SQLITE|disk|sqlite/)

  for (let round = 0; round < 3; round++) {
    t.is((await refresh(refresh_token)).status, 503)
    t.is((await login()).status, 503)
    t.is((await post(`${issuer.url}/oauth2/revoke`, { token: refresh_token }, client)).status, 503)
    t.is((await fetch(`${issuer.url}/.well-known/jwks.json`)).status, 200)
    t.is((await fetch(`${issuer.url}/livez`)).status, 200)
    t.is((await post(token, { grant_type: 'client_credentials' }, client)).status, 200)
  }
  const readiness = () => fetch(`${issuer.url}/readyz`)
  t.is((await eventually(readiness, ({ status }) => status === 503)).status, 503)

  filled.free()
  const again = await eventually(
    () => refresh(refresh_token),
    ({ status }) => status === 200,
    5_000,
  )
  t.is(again.status, 200, again.text)
  t.is((await eventually(readiness, ({ status }) => status === 200, 5_000)).status, 200)
  t.is((await login()).status, 200)
  // What was refused left nothing: the session went on from where it was, and an old token is still a reused one.
  t.is((await refresh(toPair(again).refresh_token)).status, 200)
  t.is((await refresh(spent)).body['error'], 'invalid_grant')
  t.is(await issuer.end(), 0)
})

test.serial('a full disk under the keys is told as such', async (t) => {
  const disk = mountSmallDisk(t)
  if (disk === undefined) {
    t.pass()
    return
  }
  const environment = { ...serveEnvironment(makeDirectory(t)), MINTAGE_KEYS_DIR: join(disk, 'keys') }
  mkdirSync(environment.MINTAGE_KEYS_DIR)
  const filled = fill(disk)
  const { code, stderr } = await runMintage(['serve'], environment)
  t.is(code, 1)
  t.regex(stderr, /^mintage: .*disk\/keys\/.* cannot be written .*free space\.\n$/)
  filled.free()
  const issuer = await startChildIssuer(['serve'], environment)
  t.is(await issuer.end(), 0)
})

test.serial('a log that cannot be written stops nothing', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const { service } = await registerAccounts(environment)
  const port = String(await findFreePort())
  const child = spawn('sh', ['-c', 'exec "$@" >/dev/full', 'sh', process.execPath, executable, 'serve'], {
    env: cleanEnvironment({ ...environment, MINTAGE_PORT: port, MINTAGE_LOG_LEVEL: 'trace' }),
    stdio: 'ignore',
  })
  t.teardown(() => child.kill('SIGKILL'))
  const token = `http://127.0.0.1:${port}/oauth2/token`
  const ask = () =>
    post(token, { grant_type: 'client_credentials' }, basic(service)).then(
      ({ status }) => status,
      () => 0,
    )
  t.is(await eventually(ask, (status) => status === 200, 30_000), 200)
  for (let round = 0; round < 50; round++) t.is(await ask(), 200)
})
