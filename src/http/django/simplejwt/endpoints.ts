import type { ClientRecord } from '../../../clients/client-directory.ts'
import { djangoSettings } from '../../../clients/django-settings.ts'
import { readLogin } from '../authorizations.ts'
import type { View } from '../rest/view.ts'
import type { WireFormat } from '../routes.ts'
import type { DjangoServices } from '../services.ts'
import { SimpleJwtTokens } from './tokens.ts'

const challenge = 'Bearer realm="api"'

/** Which cookie each token travels in; a sliding token is an access token. */
const pair = { access: 'access', refresh: 'refresh' } as const
const sliding = { token: 'access' } as const

/** The views of djangorestframework-simplejwt 5.5 (`rest_framework_simplejwt/views.py`). */
export function simpleJwtFormat(services: DjangoServices): WireFormat {
  const tokens = new SimpleJwtTokens(services)
  const isSliding = (client: ClientRecord) => djangoSettings(client).slidingTokens
  return {
    setting: 'MINTAGE_SIMPLEJWT_CLIENT',
    path: '/api/token',
    views: {
      '/api/token/': (client) => (isSliding(client) ? obtainSliding : obtainPair)(tokens, client),
      '/api/token/refresh/': (client) => (isSliding(client) ? refreshSliding : refreshPair)(tokens, client),
      '/api/token/verify/': (client) => verify(tokens, client),
      '/api/token/blacklist/': (client) => blacklist(tokens, client),
    },
  }
}

function obtainPair(tokens: SimpleJwtTokens, client: ClientRecord): View {
  const { usernameField } = djangoSettings(client)
  return {
    name: 'Token Obtain Pair',
    description:
      'Takes a set of user credentials and returns an access and refresh JSON web\n' +
      'token pair to prove the authentication of those credentials.',
    fields: [{ name: usernameField }, { name: 'password' }],
    challenge,
    cookies: { sets: pair },
    post: (fields, context) => tokens.obtainPair(client, readLogin(fields, usernameField, context)),
  }
}

function obtainSliding(tokens: SimpleJwtTokens, client: ClientRecord): View {
  const { usernameField } = djangoSettings(client)
  return {
    name: 'Token Obtain Sliding',
    description:
      'Takes a set of user credentials and returns a sliding JSON web token to\n' +
      'prove the authentication of those credentials.',
    fields: [{ name: usernameField }, { name: 'password' }],
    challenge,
    cookies: { sets: sliding },
    post: (fields, context) => tokens.obtainSliding(client, readLogin(fields, usernameField, context)),
  }
}

function refreshPair(tokens: SimpleJwtTokens, client: ClientRecord): View {
  return {
    name: 'Token Refresh',
    description:
      'Takes a refresh type JSON web token and returns an access type JSON web\n' +
      'token if the refresh token is valid.',
    fields: [{ name: 'refresh' }, { name: 'access', readOnly: true }],
    challenge,
    cookies: { reads: { refresh: 'refresh' }, sets: pair },
    post: (fields) => tokens.refreshPair(client, fields.get('refresh') ?? ''),
  }
}

function refreshSliding(tokens: SimpleJwtTokens, client: ClientRecord): View {
  return {
    name: 'Token Refresh Sliding',
    description:
      'Takes a sliding JSON web token and returns a new, refreshed version if the\n' +
      "token's refresh period has not expired.",
    fields: [{ name: 'token' }],
    challenge,
    cookies: { reads: sliding, sets: sliding },
    post: (fields) => tokens.refreshSliding(client, fields.get('token') ?? ''),
  }
}

function verify(tokens: SimpleJwtTokens, client: ClientRecord): View {
  return {
    name: 'Token Verify',
    description:
      'Takes a token and indicates if it is valid.  This view provides no\n' +
      "information about a token's fitness for a particular use.",
    fields: [{ name: 'token' }],
    challenge,
    cookies: { reads: sliding },
    post: (fields) => tokens.verify(client, fields.get('token') ?? ''),
  }
}

function blacklist(tokens: SimpleJwtTokens, client: ClientRecord): View {
  return {
    name: 'Token Blacklist',
    description:
      'Takes a token and blacklists it. Must be used with the\n' +
      '`rest_framework_simplejwt.token_blacklist` app installed.',
    fields: [{ name: 'refresh' }],
    challenge,
    cookies: { reads: { refresh: 'refresh', access: 'access' }, clears: true },
    post(fields) {
      const [refresh = '', access] = [fields.get('refresh'), fields.get('access')]
      // Of a browser that has no refresh token (any more): all others are asked for the field.
      if (refresh === '' && access !== undefined) return tokens.logOut(client, access)
      return tokens.blacklist(client, refresh)
    },
  }
}
