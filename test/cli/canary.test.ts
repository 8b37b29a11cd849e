import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { password } from '../support/in-process-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, type OAuthAnswer, post, read, toPair } from '../support/oauth.ts'
import { exchange } from '../support/raw-http.ts'

test('security 36: nothing secret that was sent or issued is in a log, an error or the database', async (t) => {
  const directory = makeDirectory(t)
  const environment = { ...serveEnvironment(directory), MINTAGE_LOG_LEVEL: 'trace' }
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const client = basic(service)
  const canaries = new Set([service.secret, password, client.Authorization.slice('Basic '.length)])
  const errors: string[] = []
  let made = 0
  /** A secret that is told nobody but the server. */
  const canary = () => {
    const secret = `canary-${++made}-${'q'.repeat(20)}`
    canaries.add(secret)
    return secret
  }
  const note = (answer: OAuthAnswer) => {
    if (answer.status >= 400) errors.push(answer.text, JSON.stringify([...answer.headers]))
    for (const name of ['access_token', 'refresh_token']) {
      const token = answer.body[name]
      if (typeof token === 'string') canaries.add(token)
    }
    return answer
  }
  const send = async (path: string, form: Record<string, string>, headers: Record<string, string> = client) =>
    note(await post(issuer.url + path, form, headers))
  const token = (form: Record<string, string>, headers?: Record<string, string>) =>
    send('/oauth2/token', form, headers)

  const login = { grant_type: 'password', username: 'ada', password }
  const pair = toPair(await token(login))
  const next = toPair(await token({ grant_type: 'refresh_token', refresh_token: pair.refresh_token }))
  await token({ grant_type: 'client_credentials' })
  await token({ grant_type: 'client_credentials', client_id: service.id, client_secret: service.secret }, {})
  for (const path of ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke']) {
    for (const headers of [
      client,
      basic({ id: service.id, secret: canary() }),
      basic({ id: canary(), secret: canary() }),
      { Authorization: `Bearer ${canary()}` },
      { Authorization: `Basic ${canary()}` },
      { Authorization: `Basic ${Buffer.from(`service:%zz${canary()}`).toString('base64')}` },
      { 'X-Request-Id': canary().repeat(4), 'Idempotency-Key': canary() },
    ]) {
      await send(path, { ...login, username: canary(), password: canary() }, headers)
      await send(path, { ...login, password: canary() }, headers)
      await send(path, { grant_type: 'refresh_token', refresh_token: `mrt_${canary()}` }, headers)
      await send(path, { grant_type: canary(), scope: canary(), resource: canary() }, headers)
      await send(path, { token: canary(), token_type_hint: canary() }, headers)
      await send(path, { client_id: service.id, client_secret: canary(), code: canary() }, headers)
      await send(`${path}?client_secret=${canary()}&password=${canary()}`, login, headers)
    }
    const url = issuer.url + path
    note(await read(await fetch(url, { method: 'POST', body: canary(), headers: client })))
    note(await read(await fetch(`${url}/${canary()}?token=${canary()}`, { headers: client })))
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    for (const body of [`${canary()}=%zz`, `a[${canary()}]=1`, `token=%ff${canary()}`]) {
      note(await read(await fetch(url, { method: 'POST', body, headers: { ...client, ...type } })))
    }
    const coding = { ...type, 'Content-Encoding': 'gzip' }
    note(await read(await fetch(url, { method: 'POST', body: canary(), headers: { ...client, ...coding } })))
    errors.push(await exchange(issuer.url, `POST ${path} HTTP/1.1\r\nBroken ${canary()}\r\n\r\n`))
  }
  // A reused token is the loudest event there is.
  await token({ grant_type: 'refresh_token', refresh_token: next.refresh_token })
  await token({ grant_type: 'refresh_token', refresh_token: pair.refresh_token, scope: canary() })
  await send('/oauth2/revoke', { token: pair.access_token })
  await send('/oauth2/revoke', { token: next.refresh_token })
  for (const stdin of [canary(), `${canary()}\u0000${canary()}`]) {
    const { stdout, stderr } = await runMintage(['user', 'set-password', 'ada'], environment, stdin)
    errors.push(stdout, stderr)
  }
  t.is(await issuer.end(), 0)

  const database = readdirSync(directory)
    .filter((file) => file.startsWith('mintage.db'))
    .map((file) => readFileSync(join(directory, file), 'latin1'))
  t.true(canaries.size > 200)
  t.true(errors.length > 100)
  t.true(issuer.output().includes('"event":"token.issued"'))
  for (const secret of canaries) {
    t.false(issuer.output().includes(secret), `${secret} is in the log`)
    for (const error of errors) t.false(error.includes(secret), `${secret} is in ${error}`)
    for (const bytes of database) t.false(bytes.includes(secret), `${secret} is in the database`)
  }
})

test('security 37: a hostile name makes one line per event, and none of its own', async (t) => {
  const directory = makeDirectory(t)
  const environment = serveEnvironment(directory)
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  t.teardown(() => issuer.end('SIGKILL'))
  const before = issuer.stdout().split('\n').length
  const token = `${issuer.url}/oauth2/token`
  const hostile = ['ada\r\n{"event":"forged"}', '\u001b[2Jada', 'ada\n', '\u0085\u2028\u2029', 'ada\0']
  for (const name of hostile) {
    const login = { grant_type: 'password', username: name, password }
    t.is((await post(token, login, basic(service))).body['error'], 'invalid_grant')
    t.is((await post(token, login, basic({ id: name, secret: name }))).body['error'], 'invalid_client')
  }
  t.is(await issuer.end(), 0)
  const lines = issuer
    .stdout()
    .trimEnd()
    .split('\n')
    .slice(before - 1)
  const events = lines.map((line) => JSON.parse(line).event)
  const count = (event: string) => events.filter((each) => each === event).length
  t.is(count('login.failed'), hostile.length)
  t.is(count('client.authentication_failed'), hostile.length)
  t.is(count('forged'), 0)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  t.notRegex(issuer.output(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/)
})
