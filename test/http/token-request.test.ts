import test from 'ava'
import { audience, openTestIssuer, password, type TestIssuer } from '../support/in-process-issuer.ts'
import { basic, read } from '../support/oauth.ts'
import { ask } from '../support/requests.ts'

let issuer: TestIssuer
test.before(async () => {
  issuer = await openTestIssuer()
})
test.after.always(() => issuer.stop())

/** Posts bytes as they are. */
async function postRaw(body: string | Uint8Array, headers: Record<string, string> = {}, query = '') {
  return read(
    await fetch(`${issuer.url}/oauth2/token${query}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        ...basic(issuer.service),
        ...headers,
      },
      body,
    }),
  )
}

for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH']) {
  test(`security 1: ${method} gets no token, but 405 with the method that does`, async (t) => {
    for (const endpoint of ['token', 'introspect', 'revoke']) {
      const response = await fetch(`${issuer.url}/oauth2/${endpoint}?grant_type=client_credentials`, {
        method,
        headers: basic(issuer.service),
      })
      t.is(response.status, 405)
      t.is(response.headers.get('allow'), 'POST')
      t.is(response.headers.get('cache-control'), 'no-store')
    }
  })
}

for (const type of [
  'application/json',
  'text/plain',
  'multipart/form-data; boundary=x',
  '',
  'application/xml',
]) {
  test(`security 1: a body of type ${JSON.stringify(type)} is refused, though it reads like a form`, async (t) => {
    const answer = await postRaw('grant_type=client_credentials', { 'Content-Type': type })
    t.is(answer.status, 400)
    t.is(answer.body['error'], 'invalid_request')
  })
}

test('security 1: a form may say its charset', async (t) => {
  const type = 'application/x-www-form-urlencoded; charset=UTF-8'
  t.is((await postRaw('grant_type=client_credentials', { 'Content-Type': type })).status, 200)
})

test('security 1: a request without a body is refused', async (t) => {
  const response = await fetch(`${issuer.url}/oauth2/token`, {
    method: 'POST',
    headers: basic(issuer.service),
  })
  t.is((await read(response)).body['error'], 'invalid_request')
})

for (const name of [
  'client_secret',
  'client_id',
  'password',
  'username',
  'refresh_token',
  'grant_type',
  'token',
]) {
  test(`security 1: ${name} in the URL is refused, even beside a good form`, async (t) => {
    for (const query of [`?${name}=x`, `?a=b&${name}=`, `?${name.replace('e', '%65')}=x`]) {
      const answer = await postRaw('grant_type=client_credentials', {}, query)
      t.is(answer.status, 400, query)
      t.is(answer.body['error'], 'invalid_request')
      t.false('access_token' in answer.body)
    }
  })
}

test('security 1: what a client sends in the URL is not echoed', async (t) => {
  const answer = await postRaw('grant_type=client_credentials', {}, '?client_secret=canary-7f3a')
  t.false(answer.text.includes('canary-7f3a'))
})

const folded = [
  'grant_type=client_credentials&grant_type=client_credentials',
  'grant_type=client_credentials&grant_type=',
  'grant_type=&grant_type=client_credentials',
  'grant_type=client_credentials&scope=orders:read&scope=orders:write',
  'grant_type=client_credentials&unknown=1&unknown=2',
  'grant_type=client_credentials&grant%5Ftype=client_credentials',
  'grant_type[]=client_credentials',
  'grant_type=client_credentials&scope[]=orders:read',
  'grant_type=client_credentials&scope%5B0%5D=orders:read',
  'grant_type=client_credentials&a[b]=1',
  'grant_type=client_credentials&a[__proto__][b]=1',
  'grant_type=client_credentials&]=1',
]
for (const form of folded) {
  test(`security 2: ${form} is invalid_request`, async (t) => {
    const answer = await postRaw(form)
    t.is(answer.status, 400)
    t.is(answer.body['error'], 'invalid_request')
  })
}

test('security 2: resource twice is invalid_target, be it the same one', async (t) => {
  const one = `resource=${encodeURIComponent(audience)}`
  for (const second of [one, 'resource=https://other.example', 'resource=']) {
    const answer = await postRaw(`grant_type=client_credentials&${one}&${second}`)
    t.is(answer.status, 400)
    t.is(answer.body['error'], 'invalid_target')
  }
})

test('security 2: unknown parameters are ignored, those with the names of built-ins too', async (t) => {
  const names = [
    'foo',
    '__proto__',
    'constructor',
    'prototype',
    'hasOwnProperty',
    'toString',
    'then',
    'length',
    '',
  ]
  const answer = await postRaw(
    `grant_type=client_credentials&${names.map((name) => `${name}=1`).join('&')}&&=&bare`,
  )
  // The empty name stands there twice.
  t.is(answer.body['error'], 'invalid_request')
  const once = await postRaw(
    `grant_type=client_credentials&${names.map((name) => `${name}=1`).join('&')}&&bare`,
  )
  t.is(once.status, 200)
})

for (const value of [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'Password',
  'client_credentials ',
]) {
  test(`security 2: the grant type ${JSON.stringify(value)} is unsupported`, async (t) => {
    const answer = await ask(issuer, 'token', { grant_type: value })
    t.is(answer.status, 400)
    t.is(answer.body['error'], 'unsupported_grant_type')
  })
}

test('security 2: a parameter without a value is one that is absent', async (t) => {
  const answer = await postRaw('grant_type=client_credentials&scope=&resource&client_secret=&client_id=')
  t.is(answer.status, 200)
  t.is(answer.body['scope'], 'orders:read orders:write')
  t.is((await postRaw('grant_type=')).body['error'], 'invalid_request')
  t.is((await postRaw('')).body['error'], 'invalid_request')
  const login = { grant_type: 'password', username: 'ada', password: '' }
  t.is((await ask(issuer, 'token', login)).body['error'], 'invalid_request')
})

for (const broken of ['%', '%4', '%zz', '%FF', '%C3', '%ED%A0%80', '%C0%AF', '%F8%80%80%80%80']) {
  test(`security 2: the encoding ${broken} is refused, in a name and in a value`, async (t) => {
    for (const form of [
      `grant_type=client_credentials&x=${broken}`,
      `grant_type=client_credentials&${broken}=x`,
    ]) {
      const answer = await postRaw(form)
      t.is(answer.status, 400)
      t.is(answer.body['error'], 'invalid_request')
    }
  })
}

test('security 2: raw bytes that are no UTF-8 are refused, for they would fold into one another', async (t) => {
  const form = Buffer.concat([Buffer.from('grant_type=client_credentials&x='), Buffer.from([0xff])])
  const answer = await postRaw(form)
  t.is(answer.status, 400)
  t.is(answer.body['error'], 'invalid_request')
  t.is((await postRaw('grant_type=client_credentials&x=ä🔑')).status, 200)
})

test('a body that claims to be compressed and is not is refused, not a failure of the server', async (t) => {
  for (const encoding of ['gzip', 'deflate', 'br', 'rot13']) {
    const answer = await postRaw('grant_type=client_credentials', { 'Content-Encoding': encoding })
    t.true([400, 415].includes(answer.status), `${encoding}: ${answer.status}`)
    t.is(answer.body['error'], 'invalid_request')
    t.is(answer.headers.get('cache-control'), 'no-store')
  }
})

test('a form of 64 KiB is read, one byte more is 413', async (t) => {
  const start = 'grant_type=client_credentials&padding='
  t.is((await postRaw(start.padEnd(65_536, 'x'))).status, 200)
  const answer = await postRaw(start.padEnd(65_537, 'x'))
  t.is(answer.status, 413)
  t.is(answer.body['error'], 'invalid_request')
  t.is(answer.headers.get('cache-control'), 'no-store')
})

test('security 2: the password that is sent is the password that is meant, whatever its characters', async (t) => {
  const odd = `a+b c%20d&e=f;g[h]"\\ü🔑\u0000${password}`
  await issuer.administration.users.create('odd', { password: odd })
  const form = { grant_type: 'password', username: 'odd', password: odd }
  t.is((await ask(issuer, 'token', form)).status, 200)
  t.is(
    (await ask(issuer, 'token', { ...form, password: odd.replace('+', ' ') })).body['error'],
    'invalid_grant',
  )
})
