import { type Claims, secretOfUsers } from '../corner.ts'
import { type Endpoint, type Family, post, type Scenario, type Step } from '../scenario.ts'
import { tamperings } from './tampering.ts'

const login: Endpoint = {
  name: 'token',
  path: '/api/token/',
  fields: { username: 'ada', password: secretOfUsers },
}
const refresh: Endpoint = { name: 'refresh', path: '/api/token/refresh/', fields: { token: '{token}' } }
const verify: Endpoint = { name: 'verify', path: '/api/token/verify/', fields: { token: '{token}' } }
const blacklist: Endpoint = {
  name: 'blacklist',
  path: '/api/token/blacklist/',
  fields: { refresh: '{token}' },
}

/** Verifying and blacklisting are the pair's views. */
export const sliding: Family = { login, kept: { token: 'token' }, others: [refresh] }

const compare = (name: string, endpoint: Endpoint, fields: Readonly<Record<string, unknown>>): Step => ({
  compare: `${endpoint.name}: ${name}`,
  ask: post(endpoint, fields),
})
const loggedIn = (username = 'ada'): Step => ({
  prepare: post(login, { username, password: secretOfUsers }),
  keep: sliding.kept,
})
const altered = (name: string, endpoint: Endpoint, field: string, step: Step): Scenario => [
  loggedIn(),
  step,
  compare(name, endpoint, { [field]: '{bad}' }),
]

export const slidingLives: readonly Scenario[] = [
  [compare('an inactive user', login, { username: 'inactive', password: secretOfUsers })],
  [
    loggedIn(),
    { prepare: post(refresh), keep: { next: 'token' } },
    compare('the token of before', refresh, { token: '{token}' }),
    compare('the next', refresh, { token: '{next}' }),
    compare('the token of before', verify, { token: '{token}' }),
    compare('the next', verify, { token: '{next}' }),
  ],
  [loggedIn(), compare('a sliding token', blacklist, { refresh: '{token}' })],
  ...tamperings.map(([name, by]) =>
    altered(`a token ${name}`, refresh, 'token', { rewrite: 'token', to: 'bad', by }),
  ),
  altered('an expired token', refresh, 'token', { expire: 'token', to: 'bad' }),
  altered('an expired token', verify, 'token', { expire: 'token', to: 'bad' }),
  altered('a token past its refreshing', refresh, 'token', {
    alter: 'token',
    to: 'bad',
    by: (claims: Claims) => ({ ...claims, refresh_exp: Number(claims['iat']) - 60 }),
  }),
  altered('a token of another type', refresh, 'token', {
    alter: 'token',
    to: 'bad',
    by: (claims: Claims) => ({ ...claims, token_type: 'access' }),
  }),
  ...(['disable', 'delete', 'set-password'] as const).flatMap((action) =>
    [refresh, verify].map((endpoint): Scenario => {
      const username = `${action}-${endpoint.name}`
      const told = { disable: 'inactive', delete: 'deleted', 'set-password': 'given another password' }[
        action
      ]
      const password = 'an altogether new one'
      return [
        loggedIn(username),
        { change: action === 'set-password' ? { action, username, password } : { action, username } },
        compare(`the user was ${told} since`, endpoint, { token: '{token}' }),
      ]
    }),
  ),
]
