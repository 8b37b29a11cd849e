import { gzipSync } from 'node:zlib'
import anyTest, { type TestFn } from 'ava'
import { postJson, startSimpleJwt } from '../../support/django.ts'
import { openTestIssuer, password, type TestIssuer } from '../../support/in-process-issuer.ts'
import { read } from '../../support/oauth.ts'

const test = anyTest as TestFn<{ readonly issuer: TestIssuer; readonly url: string }>

// What Django 5.2, Django REST framework 3.16 and SimpleJWT 5.5 were seen to answer, to the letter.

const origin = 'https://app.example'
const required = { username: ['This field is required.'], password: ['This field is required.'] }
const noAccount = { detail: 'No active account found with the given credentials' }

test.before(async (t) => {
  const issuer = await openTestIssuer({
    environment: { MINTAGE_SIMPLEJWT_CLIENT: 'app', MINTAGE_CORS_ORIGINS: origin },
  })
  Object.assign(t.context, { issuer, url: `${issuer.url}/api/token/` })
})

test.after.always(async (t) => {
  await t.context.issuer?.stop()
})

const send = async (
  url: string,
  body: string | Uint8Array<ArrayBuffer> | undefined,
  headers: Record<string, string> = {},
) =>
  read(await fetch(url, { method: 'POST', headers, redirect: 'manual', ...(body !== undefined && { body }) }))

test('another method is not allowed', async (t) => {
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
    const answer = await read(await fetch(t.context.url, { method }))
    t.is(answer.status, 405)
    t.deepEqual(answer.body, { detail: `Method "${method}" not allowed.` })
    t.is(answer.headers.get('Allow'), 'POST, OPTIONS')
    t.is(answer.headers.get('Vary'), 'Origin, Accept')
  }
  const head = await fetch(t.context.url, { method: 'HEAD' })
  t.is(head.status, 405)
  t.is(await head.text(), '')
})

test('OPTIONS tells what there is', async (t) => {
  const answer = await read(await fetch(t.context.url, { method: 'OPTIONS' }))
  t.is(answer.status, 200)
  const field = (label: string) => ({ type: 'string', required: true, read_only: false, label })
  t.deepEqual(answer.body, {
    name: 'Token Obtain Pair',
    description:
      'Takes a set of user credentials and returns an access and refresh JSON web\ntoken pair to prove the authentication of those credentials.',
    renders: ['application/json', 'text/html'],
    parses: ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'],
    actions: { POST: { username: field('Username'), password: field('Password') } },
  })
  const refresh = await read(await fetch(`${t.context.url}refresh/`, { method: 'OPTIONS' }))
  t.is(refresh.body['name'], 'Token Refresh')
  t.deepEqual(refresh.body['actions'], {
    POST: {
      refresh: field('Refresh'),
      access: { type: 'string', required: false, read_only: true, label: 'Access' },
    },
  })
})

test('fields are told one by one what is wrong with them', async (t) => {
  const blank = ['This field may not be blank.']
  const invalid = ['Not a valid string.']
  const cases: readonly (readonly [body: unknown, said: unknown])[] = [
    [{}, required],
    [
      { username: '', password: ' \u3000\n' },
      { username: blank, password: blank },
    ],
    [
      { username: null, password: [] },
      { username: ['This field may not be null.'], password: invalid },
    ],
    [
      { username: true, password: {} },
      { username: invalid, password: invalid },
    ],
    [
      '{"username":"a\\u0000b","password":"\\ud800"}',
      {
        username: ['Null characters are not allowed.'],
        password: ['Surrogate characters are not allowed: U+D800.'],
      },
    ],
    ['{"username":"a","username":"b"}', { password: ['This field is required.'] }],
    ['{"__proto__":{"username":"a"}}', required],
  ]
  for (const [body, said] of cases) {
    const answer = await postJson(t.context.url, body)
    t.is(answer.status, 400)
    t.deepEqual(answer.body, said)
  }
  t.deepEqual((await postJson(t.context.url, { username: 1, password: 1.5 })).body, noAccount)
})

test('a body that is no dictionary is told so', async (t) => {
  const types = { '[]': 'list', '[1]': 'list', '"x"': 'str', true: 'bool', 1: 'int', '1.5': 'float' }
  for (const [body, type] of Object.entries(types)) {
    const answer = await postJson(t.context.url, body)
    t.is(answer.status, 400)
    t.deepEqual(answer.body, {
      non_field_errors: [`Invalid data. Expected a dictionary, but got ${type}.`],
    })
  }
  t.deepEqual((await postJson(t.context.url, 'null')).body, { non_field_errors: ['No data provided'] })
})

test('white space around a name and a password does not count, as it does not for SimpleJWT', async (t) => {
  t.is((await postJson(t.context.url, { username: ' ada ', password: `\t${password} ` })).status, 200)
})

test('forms are taken, and the last of a name counts', async (t) => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const secret = password.replaceAll(' ', '+')
  t.is((await send(t.context.url, `username=x&username=ada&password=${secret}`, form)).status, 200)
  t.deepEqual((await send(t.context.url, 'username=&password=+', form)).body, {
    username: ['This field may not be blank.'],
    password: ['This field may not be blank.'],
  })
  t.deepEqual((await send(t.context.url, `?username=ada&password=${secret}`, form)).body, {
    username: ['This field is required.'],
  })
  t.deepEqual((await send(t.context.url, 'a[b]=1', form)).body, required)
  const bytes = Buffer.concat([Buffer.from('username='), Buffer.of(0xff), Buffer.from('&password=%ff')])
  t.deepEqual((await send(t.context.url, new Uint8Array(bytes), form)).body, noAccount)
  const many = Array.from({ length: 1_001 }, (_, at) => `a${at}=1`).join('&')
  t.is((await send(t.context.url, many, form)).status, 400)
})

test('multipart forms are taken, without files', async (t) => {
  const form = new FormData()
  form.set('username', 'ada')
  form.set('password', password)
  t.is((await read(await fetch(t.context.url, { method: 'POST', body: form }))).status, 200)
  form.set('username', new Blob(['ada']), 'ada.txt')
  const file = await read(await fetch(t.context.url, { method: 'POST', body: form }))
  t.deepEqual(file.body, { username: ['Not a valid string.'] })
  const broken = await send(t.context.url, 'garbage', { 'Content-Type': 'multipart/form-data; boundary=X' })
  t.deepEqual(broken.body, required)
  const boundless = await send(t.context.url, 'garbage', { 'Content-Type': 'multipart/form-data' })
  t.is(boundless.status, 400)
  t.deepEqual(boundless.body, {
    detail: 'Multipart form parse error - Invalid boundary in multipart: None',
  })
})

test('another media type is not supported, unless there is nothing of it', async (t) => {
  for (const type of ['text/plain', 'text/plain; charset=utf-8', 'garbage', 'application/xml']) {
    const answer = await send(t.context.url, '{}', { 'Content-Type': type })
    t.is(answer.status, 415)
    t.deepEqual(answer.body, { detail: `Unsupported media type "${type}" in request.` })
  }
  const untyped = await send(t.context.url, new Uint8Array(Buffer.from('{}')))
  t.is(untyped.status, 415)
  t.deepEqual(untyped.body, { detail: 'Unsupported media type "" in request.' })
  t.deepEqual((await send(t.context.url, undefined, { 'Content-Type': 'text/plain' })).body, required)
  for (const type of ['Application/JSON', '*/*', 'application/json; v=1', 'application/json; charset=nope']) {
    t.deepEqual((await send(t.context.url, '{}', { 'Content-Type': type })).body, required, type)
  }
})

test('a body that cannot be read is told what is wrong with it', async (t) => {
  const cases = {
    '{"username":': 'JSON parse error - Expecting value: line 1 column 13 (char 12)',
    '{"username": nul}': 'JSON parse error - Expecting value: line 1 column 14 (char 13)',
    '': undefined,
  }
  for (const [body, detail] of Object.entries(cases)) {
    const answer = await postJson(t.context.url, body)
    t.is(answer.status, 400)
    t.deepEqual(answer.body, detail === undefined ? required : { detail })
  }
  const bytes = new Uint8Array([0x22, 0xff, 0x22])
  const json = { 'Content-Type': 'application/json' }
  t.deepEqual((await send(t.context.url, bytes, json)).body, {
    detail: "JSON parse error - 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte",
  })
  // Django does not undo it either.
  const { status } = await send(t.context.url, new Uint8Array(gzipSync('{}')), {
    ...json,
    'Content-Encoding': 'gzip',
  })
  t.is(status, 400)
})

test('JSON is read in its charset', async (t) => {
  const body = JSON.stringify({ username: 'ada', password })
  const utf16 = new Uint8Array(Buffer.from(`\ufeff${body}`, 'utf16le'))
  const type = { 'Content-Type': 'application/json; charset=utf-16' }
  t.is((await send(t.context.url, utf16, type)).status, 200)
})

test('an answer that is not accepted is 406, and another format 404', async (t) => {
  for (const accept of ['application/xml', 'garbage', 'image/*']) {
    const answer = await postJson(t.context.url, {}, { Accept: accept })
    t.is(answer.status, 406)
    t.deepEqual(answer.body, { detail: 'Could not satisfy the request Accept header.' })
  }
  for (const accept of [
    '*/*',
    'application/*',
    'application/json;q=0',
    'image/png, application/json',
    'text/html',
  ]) {
    t.is((await postJson(t.context.url, {}, { Accept: accept })).status, 400, accept)
  }
  const indented = await postJson(t.context.url, {}, { Accept: 'application/json; indent=4' })
  t.is(indented.text, JSON.stringify(required, null, 4))
  const other = await postJson(`${t.context.url}?format=xml`, {})
  t.is(other.status, 404)
  t.deepEqual(other.body, { detail: 'Not found.' })
  t.is((await postJson(`${t.context.url}?format=json`, {})).status, 400)
})

test('a path without its slash is sent to the one with it', async (t) => {
  for (const path of ['token', 'token/refresh', 'token/verify', 'token/blacklist']) {
    const answer = await postJson(`${t.context.issuer.url}/api/${path}?a=b`, {})
    t.is(answer.status, 301)
    t.is(answer.headers.get('Location'), `/api/${path}/?a=b`)
  }
})

test('a body over 64 KiB is refused unread', async (t) => {
  const answer = await postJson(t.context.url, { username: 'a'.repeat(70_000) })
  t.is(answer.status, 413)
  t.is(typeof answer.body['detail'], 'string')
})

test('origins that may ask are those of the setting', async (t) => {
  for (const path of ['', 'refresh/', 'verify/', 'blacklist/']) {
    const preflight = await fetch(`${t.context.url}${path}`, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
    })
    t.is(preflight.status, 204)
    t.is(preflight.headers.get('Access-Control-Allow-Origin'), origin)
    const answer = await postJson(`${t.context.url}${path}`, {}, { Origin: origin })
    t.is(answer.headers.get('Access-Control-Allow-Origin'), origin)
    const foreign = await postJson(`${t.context.url}${path}`, {}, { Origin: 'https://other.example' })
    t.is(foreign.headers.get('Access-Control-Allow-Origin'), null)
  }
})

test('an issuer with a path answers below it, and redirects there', async (t) => {
  const { issuer } = await startSimpleJwt(t, { issuer: { issuer: 'https://issuer.example/at' } })
  for (const prefix of ['', '/at']) {
    const answer = await postJson(`${issuer.url}${prefix}/api/token/`, { username: 'ada', password })
    t.is(answer.status, 200)
    const redirected = await postJson(`${issuer.url}${prefix}/api/token`, {})
    t.is(redirected.headers.get('Location'), '/at/api/token/')
  }
})
