import {
  type Ask,
  asJson,
  type Endpoint,
  type Family,
  json,
  post,
  type Scenario,
  single,
} from '../scenario.ts'

const accepts: readonly (readonly [name: string, value: string])[] = [
  ['anything', '*/*'],
  ['JSON', 'application/json'],
  ['JSON with a parameter', 'application/json; charset=utf-8'],
  ['JSON indented', 'application/json; indent=4'],
  ['any application', 'application/*'],
  ['HTML', 'text/html'],
  ['what a browser sends', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['XML', 'application/xml'],
  ['text', 'text/plain'],
  ['XML, else JSON', 'application/xml, application/json'],
  ['JSON never', 'application/json;q=0'],
  ['nothing', ''],
  ['nonsense', 'nonsense'],
  ['another JSON', 'application/vnd.api+json'],
]

const besides: readonly (readonly [name: string, headers: Readonly<Record<string, string>>])[] = [
  ['a Bearer header beside', { Authorization: 'Bearer nothing' }],
  ['a JWT header beside', { Authorization: 'JWT nothing' }],
  ['a Basic header beside', { Authorization: 'Basic YTpi' }],
  ['an Authorization header without a value beside', { Authorization: 'Bearer' }],
  ['a cookie beside', { Cookie: 'sessionid=abc; csrftoken=def' }],
  ['an Origin beside', { Origin: 'https://elsewhere.example' }],
  ['a null Origin beside', { Origin: 'null' }],
  ['a Referer beside', { Referer: 'https://elsewhere.example/' }],
  ['another method in a header', { 'X-HTTP-Method-Override': 'GET' }],
  ['another language', { 'Accept-Language': 'de' }],
  ['a foreign forwarded host', { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' }],
  ['an encoding nobody applied', { 'Content-Encoding': 'gzip' }],
  ['an XMLHttpRequest', { 'X-Requested-With': 'XMLHttpRequest' }],
  ['an If-None-Match', { 'If-None-Match': '*' }],
]

const methods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'] as const

/** Everything about the request line and the headers. */
export function messageScenarios(family: Family, endpoint: Endpoint): readonly Scenario[] {
  const good = post(endpoint)
  const one = (name: string, ask: Partial<Ask>) => single(family, endpoint, name, { ...good, ...ask })
  const { path } = endpoint
  const empty = { body: '', headers: {} }
  const wrong = { body: json({}), headers: asJson }
  return [
    ...methods.flatMap((method) => [
      one(`${method}`, { method, ...empty }),
      one(`${method} with a body`, { method, ...wrong }),
    ]),
    one('OPTIONS for HTML', { method: 'OPTIONS', ...empty, headers: { Accept: 'text/html' } }),
    one('GET for HTML', { method: 'GET', ...empty, headers: { Accept: 'text/html' } }),
    one('GET for XML', { method: 'GET', ...empty, headers: { Accept: 'application/xml' } }),
    one('GET with a Bearer header', {
      method: 'GET',
      ...empty,
      headers: { Authorization: 'Bearer nothing' },
    }),
    ...accepts.flatMap(([name, Accept]) => [
      one(`accepts ${name}`, { headers: { ...asJson, Accept } }),
      one(`accepts ${name}, sends nothing good`, { ...wrong, headers: { ...asJson, Accept } }),
    ]),
    ...besides.map(([name, headers]) => one(name, { headers: { ...asJson, ...headers } })),
    one('a query', { target: `${path}?a=b&username=eve` }),
    one('fields in the query only', {
      target: `${path}?username=ada&password=x&token=x&refresh=x`,
      ...wrong,
    }),
    one('a format in the query', { target: `${path}?format=json` }),
    one('the format of the browsable API', { target: `${path}?format=api` }),
    one('an unknown format in the query', { target: `${path}?format=xml` }),
    one('no slash at the end', { target: path.slice(0, -1) }),
    one('no slash at the end, GET', { method: 'GET', target: path.slice(0, -1), ...empty }),
    one('no slash at the end, with a query', { target: `${path.slice(0, -1)}?a=b` }),
    one('two slashes at the end', { target: `${path}/` }),
    one('two slashes at the start', { target: `/${path}` }),
    one('in capitals', { target: path.toUpperCase() }),
    one('something behind it', { target: `${path}x` }),
    one('a suffix for the format', { target: `${path.slice(0, -1)}.json` }),
    one('an escaped letter', { target: path.replace('api', '%61pi') }),
  ]
}
