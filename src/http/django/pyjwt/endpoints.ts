import type { ClientRecord } from '../../../clients/client-directory.ts'
import type { RequestData } from '../rest/request-data.ts'
import type { View } from '../rest/view.ts'
import type { WireFormat } from '../routes.ts'
import type { DjangoServices } from '../services.ts'
import { pyJwtError, toPyJwtBody } from './errors.ts'
import { PyJwtTokens } from './tokens.ts'

const pair = { access: 'access', refresh: 'refresh' } as const

/**
 * The views that tutorials have for Django with PyJWT alone: log in by e-mail, a pair of tokens that tell their
 * `type`, and errors of the form `{"error", "code"}`.
 */
export function pyJwtFormat(services: DjangoServices): WireFormat {
  const tokens = new PyJwtTokens(services)
  return {
    setting: 'MINTAGE_PYJWT_CLIENT',
    path: '/auth',
    views: {
      '/auth/login/': (client) => logIn(tokens, client),
      '/auth/refresh/': (client) => refresh(tokens, client),
    },
  }
}

function logIn(tokens: PyJwtTokens, client: ClientRecord): View {
  return {
    name: 'Login',
    description: '',
    fields: [{ name: 'email' }, { name: 'password' }],
    cookies: { sets: pair },
    read: readTexts,
    describeError: toPyJwtBody,
    post(fields, { req: request }) {
      const [name, password] = [fields.get('email'), fields.get('password')]
      if (name === undefined || password === undefined) throw pyJwtError('INVALID_CREDENTIALS')
      return tokens.logIn(client, { name, password, request })
    },
  }
}

function refresh(tokens: PyJwtTokens, client: ClientRecord): View {
  return {
    name: 'Refresh',
    description: '',
    fields: [{ name: 'refresh' }],
    cookies: { reads: { refresh: 'refresh', refresh_token: 'refresh' }, sets: pair },
    read: readTexts,
    describeError: toPyJwtBody,
    post(fields) {
      const token = fields.get('refresh') ?? fields.get('refresh_token')
      if (token === undefined) throw pyJwtError('MISSING_TOKEN')
      return tokens.refresh(client, token)
    },
  }
}

/** The fields that hold a text; a recipe's `request.data.get` knows no others. */
function readTexts(data: RequestData): ReadonlyMap<string, string> {
  const entries = data.kind === 'form' ? data.fields : Object.entries(toDictionary(data.value))
  return new Map([...entries].flatMap(([name, value]) => (isText(value) ? [[name, value]] : [])))
}

function toDictionary(value: unknown): object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
