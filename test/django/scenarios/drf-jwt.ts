import { secretOfUsers, users } from '../corner.ts'
import { type Endpoint, type Family, post, type Scenario, type Step } from '../scenario.ts'
import { tamperings } from './tampering.ts'

const login: Endpoint = {
  name: 'auth',
  path: '/api-token-auth/',
  fields: { username: 'ada', password: secretOfUsers },
}
const refresh: Endpoint = { name: 'refresh', path: '/api-token-refresh/', fields: { token: '{token}' } }
const verify: Endpoint = { name: 'verify', path: '/api-token-verify/', fields: { token: '{token}' } }

export const drfJwt: Family = { login, kept: { token: 'token' }, others: [refresh, verify] }

const compare = (name: string, endpoint: Endpoint, fields: Readonly<Record<string, unknown>>): Step => ({
  compare: `${endpoint.name}: ${name}`,
  ask: post(endpoint, fields),
})
const loggedIn = (fields: Readonly<Record<string, string>> = login.fields): Step => ({
  prepare: post(login, fields),
  keep: drfJwt.kept,
})
const named = (username: string) => ({ username, password: secretOfUsers })

const logins: readonly Scenario[] = [
  ...users
    .filter(({ username }) => !/^(disable|delete|set-password)-/.test(username))
    .map(
      ({ username, password }): Scenario => [compare(`${username} logs in`, login, { username, password })],
    ),
  [compare('a wrong password', login, { username: 'ada', password: 'wrong' })],
  [compare('an unknown user', login, named('nobody'))],
  [compare('a user name in other case', login, named('ADA'))],
]

const changes: readonly Scenario[] = (['disable', 'delete', 'set-password'] as const).flatMap((action) => {
  const told = { disable: 'inactive', delete: 'deleted', 'set-password': 'given another password' }[action]
  return [refresh, verify].map((endpoint): Scenario => {
    const username = `${action}-${endpoint.name}`
    return [
      loggedIn(named(username)),
      {
        change:
          action === 'set-password'
            ? { action, username, password: 'an altogether new one' }
            : { action, username },
      },
      compare(`the user was ${told} since`, endpoint, endpoint.fields),
      compare(`the user was ${told} since`, login, named(username)),
    ]
  })
})

const lives: readonly Scenario[] = [refresh, verify].flatMap((endpoint) => {
  const present = (name: string, step: Step): Scenario => [
    loggedIn(),
    step,
    compare(name, endpoint, { token: '{bad}' }),
  ]
  return [
    [
      loggedIn(),
      { prepare: post(refresh), keep: { next: 'token' } },
      compare('a refreshed token', endpoint, { token: '{token}' }),
      compare('the successor', endpoint, { token: '{next}' }),
      compare('the successor again', endpoint, { token: '{next}' }),
    ],
    ...tamperings.map(([name, by]) => present(`a token ${name}`, { rewrite: 'token', to: 'bad', by })),
    present('an expired token', { expire: 'token', to: 'bad' }),
    ...(
      [
        ['a token without orig_iat', ({ orig_iat: _, ...rest }) => rest],
        [
          'a token past the limit of refreshing',
          (claims) => ({ ...claims, orig_iat: Number(claims['orig_iat']) - 30 * 86_400 }),
        ],
        ['a token without a user name', ({ username: _, ...rest }) => rest],
        ['a token of a user who never was', (claims) => ({ ...claims, username: 'nobody', sub: 'usr_none' })],
        ['a token that never expires', ({ exp: _, ...rest }) => rest],
      ] as const satisfies readonly (readonly [
        string,
        (claims: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
      ])[]
    ).map(([name, by]) => present(name, { alter: 'token', to: 'bad', by })),
  ]
})

export const drfJwtLives: readonly Scenario[] = [...logins, ...changes, ...lives]
