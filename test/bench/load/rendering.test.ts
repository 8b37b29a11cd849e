import test from 'ava'
import { renderRequest } from '../../../bench/load/rendering.ts'

const path = '/token'

test('the refresh token is put into a form, encoded, and the length is that of the whole body', (t) => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const render = renderRequest(80, { path, headers, body: 'a=1&refresh_token={refresh_token}&b=2' })
  const [head, body = ''] = render('x+y/z').split('\r\n\r\n')
  t.is(body, 'a=1&refresh_token=x%2By%2Fz&b=2')
  t.deepEqual(head?.split('\r\n'), [
    'POST /token HTTP/1.1',
    'Host: 127.0.0.1:80',
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
  ])
})

test('a refresh token in JSON is escaped as JSON', (t) => {
  const headers = { 'Content-Type': 'application/json' }
  const render = renderRequest(80, { path, headers, body: '{"token":"{refresh_token}"}' })
  const body = render('a"b+c').split('\r\n\r\n')[1] ?? ''
  t.deepEqual(JSON.parse(body), { token: 'a"b+c' })
})

test('a request without a refresh token is the same each time; one by GET has no body', (t) => {
  const render = renderRequest(80, { path, headers: {}, body: 'grant_type=client_credentials' })
  t.is(render('one'), render('two'))
  const get = renderRequest(80, { method: 'GET', path, headers: { Accept: '*/*' }, body: 'ignored' })
  t.is(get(''), 'GET /token HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAccept: */*\r\n\r\n')
})
