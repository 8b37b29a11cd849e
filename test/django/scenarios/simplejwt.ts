import { type LabUser, secretOfUsers, users } from '../corner.ts'
import { type Endpoint, type Family, post, type Scenario, type Step } from '../scenario.ts'
import { tamperings } from './tampering.ts'

const login: Endpoint = {
  name: 'token',
  path: '/api/token/',
  fields: { username: 'ada', password: secretOfUsers },
}
const refresh: Endpoint = {
  name: 'refresh',
  path: '/api/token/refresh/',
  fields: { refresh: '{refresh}' },
}
const verify: Endpoint = { name: 'verify', path: '/api/token/verify/', fields: { token: '{access}' } }
const blacklist: Endpoint = {
  name: 'blacklist',
  path: '/api/token/blacklist/',
  fields: { refresh: '{refresh}' },
}

export const simplejwt: Family = {
  login,
  kept: { access: 'access', refresh: 'refresh' },
  others: [refresh, verify, blacklist],
}

const compare = (name: string, endpoint: Endpoint, fields: Readonly<Record<string, unknown>>): Step => ({
  compare: `${endpoint.name}: ${name}`,
  ask: post(endpoint, fields),
})
const rotate = (keep: string): Step => ({
  prepare: post(refresh),
  keep: { [keep]: 'refresh', [`${keep}Access`]: 'access' },
})
const loggedIn = (fields: Readonly<Record<string, string>> = login.fields): Step => ({
  prepare: post(login, fields),
  keep: simplejwt.kept,
})
const named = (username: string) => ({ username, password: secretOfUsers })

const logins: readonly Scenario[] = [
  ...users
    .filter(({ username }) => !/^(disable|delete|set-password)-/.test(username))
    .map(
      ({ username, password }: LabUser): Scenario => [
        compare(`${username} logs in`, login, { username, password }),
      ],
    ),
  ...(
    [
      ['a wrong password', 'ada', 'wrong'],
      ['an unknown user', 'nobody', secretOfUsers],
      ['a user name in other case', 'ADA', secretOfUsers],
      ['a user name in other case', 'grace.hopper', secretOfUsers],
      ['an e-mail for the user name', 'ada@example.com', secretOfUsers],
      ['a user name that is decomposed', 'Åsa'.normalize('NFD'), secretOfUsers],
      ['a user name in wide letters', 'ａｄａ', secretOfUsers],
      ['a wrong password of an inactive user', 'inactive', 'wrong'],
      ['a password in other case', 'ada', secretOfUsers.toUpperCase()],
      ['a password that is decomposed', 'unicode-password', 'pässwörd mit ümlauten 🐴🔋'.normalize('NFD')],
      ['a password of 5,000 characters', 'ada', 'x'.repeat(5000)],
    ] as const
  ).map(
    ([name, username, password]): Scenario => [
      compare(`${name} (${username.normalize('NFKC')})`, login, { username, password }),
    ],
  ),
]

/** What becomes of sessions when something happens to their user. */
const changes: readonly Scenario[] = (['disable', 'delete', 'set-password'] as const).flatMap((action) => {
  const change = (when: string): Step => ({
    change:
      action === 'set-password'
        ? { action, username: `${action}-${when}`, password: 'an altogether new one' }
        : { action, username: `${action}-${when}` },
  })
  const told = { disable: 'inactive', delete: 'deleted', 'set-password': 'given another password' }[action]
  const after = (endpoint: Endpoint, fields: Readonly<Record<string, unknown>>): Scenario => [
    loggedIn(named(`${action}-${endpoint.name}`)),
    change(endpoint.name),
    compare(`the user was ${told} since`, endpoint, fields),
  ]
  return [
    after(refresh, refresh.fields),
    [
      ...after(verify, { token: '{access}' }),
      compare(`a refresh token; the user was ${told} since`, verify, { token: '{refresh}' }),
    ],
    after(blacklist, blacklist.fields),
    [
      change('login'),
      compare(`the user was ${told}, old password`, login, named(`${action}-login`)),
      compare(`the user was ${told}, new password`, login, {
        username: `${action}-login`,
        password: 'an altogether new one',
      }),
    ],
  ]
})

const rotations: readonly Scenario[] = [
  [loggedIn(), rotate('next'), compare('a rotated token at once', refresh, { refresh: '{refresh}' })],
  [loggedIn(), rotate('next'), compare('the successor', refresh, { refresh: '{next}' })],
  [
    loggedIn(),
    rotate('next'),
    { prepare: post(refresh, { refresh: '{next}' }), keep: { third: 'refresh' } },
    compare('a token rotated twice', refresh, { refresh: '{refresh}' }),
    compare('the newest after an old one was used', refresh, { refresh: '{third}' }),
  ],
  [loggedIn(), rotate('next'), compare('a rotated token', verify, { token: '{refresh}' })],
  [loggedIn(), rotate('next'), compare('the successor', verify, { token: '{next}' })],
  [
    loggedIn(),
    rotate('next'),
    compare('the access token of before the rotation', verify, { token: '{access}' }),
  ],
  [
    loggedIn(),
    rotate('next'),
    compare('the access token of after the rotation', verify, { token: '{nextAccess}' }),
  ],
  [loggedIn(), rotate('next'), compare('a rotated token', blacklist, { refresh: '{refresh}' })],
  [
    loggedIn(),
    rotate('next'),
    compare('the successor', blacklist, { refresh: '{next}' }),
    compare('the successor, blacklisted', refresh, { refresh: '{next}' }),
  ],
  [
    loggedIn(),
    compare('a good one', blacklist, blacklist.fields),
    compare('blacklisted', refresh, refresh.fields),
    compare('blacklisted', verify, { token: '{refresh}' }),
    compare('blacklisted already', blacklist, blacklist.fields),
    compare('the access token of a blacklisted refresh token', verify, { token: '{access}' }),
  ],
  [
    loggedIn(),
    { prepare: post(login), keep: { other: 'refresh' } },
    compare('one of two sessions', blacklist, blacklist.fields),
    compare('the other session', refresh, { refresh: '{other}' }),
  ],
]

const kinds: readonly Scenario[] = [
  [loggedIn(), compare('an access token', refresh, { refresh: '{access}' })],
  [loggedIn(), compare('an access token', blacklist, { refresh: '{access}' })],
  [loggedIn(), compare('a refresh token', verify, { token: '{refresh}' })],
]

/** A token that the corner signed, changed in ways that only it can, or anybody. */
const altered: readonly Scenario[] = ([refresh, verify, blacklist] as const).flatMap((endpoint) => {
  const [field = ''] = Object.keys(endpoint.fields)
  const source = endpoint === verify ? 'access' : 'refresh'
  const present = (name: string, step: Step): Scenario => [
    loggedIn(),
    step,
    compare(name, endpoint, { [field]: '{bad}' }),
  ]
  return [
    ...tamperings.map(([name, by]) => present(`a token ${name}`, { rewrite: source, to: 'bad', by })),
    present('an expired token', { expire: source, to: 'bad' }),
    present('an access token, expired', { expire: 'access', to: 'bad' }),
    ...(
      [
        ['a token without a type', ({ token_type: _, ...rest }) => rest],
        ['a token of a made-up type', (claims) => ({ ...claims, token_type: 'fake_type' })],
        ['a token without an id', ({ jti: _, ...rest }) => rest],
        ['a token that never expires', ({ exp: _, ...rest }) => rest],
        ['a token whose expiry is a word', (claims) => ({ ...claims, exp: 'never' })],
        ['a token of a user who never was', (claims) => ({ ...claims, user_id: '999999', sub: 'usr_none' })],
        ['a token without a user', ({ user_id: _, sub: __, ...rest }) => rest],
        [
          'a token from the future',
          (claims) => ({ ...claims, iat: Number(claims['exp']) + 7200, exp: Number(claims['exp']) + 7500 }),
        ],
        ['a token of another issuer', (claims) => ({ ...claims, iss: 'https://other.example' })],
        ['a token for another audience', (claims) => ({ ...claims, aud: 'https://other.example' })],
      ] as const satisfies readonly (readonly [
        string,
        (claims: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
      ])[]
    ).map(([name, by]) => present(name, { alter: 'access', to: 'bad', by })),
  ]
})

export const simplejwtLives: readonly Scenario[] = [...logins, ...changes, ...rotations, ...kinds, ...altered]
