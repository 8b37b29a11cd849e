import type { Context } from 'koa'
import type { ClientRecord } from '../../../clients/client-directory.ts'
import { djangoSettings } from '../../../clients/django-settings.ts'
import type { JsonObject } from '../../../protocol/claims.ts'
import { readLogin } from '../authorizations.ts'
import type { ViewCookies } from '../rest/cookies.ts'
import type { Field } from '../rest/fields.ts'
import type { View } from '../rest/view.ts'
import type { WireFormat } from '../routes.ts'
import type { DjangoServices } from '../services.ts'
import { drfJwtWords } from './package.ts'
import { type DrfJwtAnswer, DrfJwtTokens } from './tokens.ts'

/** The one token is shown to services, so it travels as an access token does. */
const single = { token: 'access' } as const

/** The views of djangorestframework-jwt 1.11 and of its fork drf-jwt 1.19 (`rest_framework_jwt/views.py`). */
export function drfJwtFormat(services: DjangoServices): WireFormat {
  const tokens = new DrfJwtTokens(services)
  return {
    setting: 'MINTAGE_DRF_JWT_CLIENT',
    path: '/api-token-refresh',
    views: {
      '/api-token-auth/': (client) => obtain(tokens, client),
      '/api-token-refresh/': (client) => refresh(tokens, client),
      '/api-token-verify/': (client) => verify(tokens, client),
    },
  }
}

function obtain(tokens: DrfJwtTokens, client: ClientRecord): View {
  const { usernameField, drfJwtPackage } = djangoSettings(client)
  const { showsToken } = drfJwtWords[drfJwtPackage]
  return toView(client, {
    name: 'Obtain Json Web Token',
    description:
      "API View that receives a POST with a user's username and password.\n\n" +
      'Returns a JSON Web Token that can be used for authenticated requests.',
    fields: [
      { name: usernameField },
      { name: 'password' },
      ...(showsToken ? [{ name: 'token', readOnly: true }] : []),
    ],
    cookies: { sets: single },
    take: (fields, context) => tokens.obtain(client, readLogin(fields, usernameField, context)),
  })
}

function refresh(tokens: DrfJwtTokens, client: ClientRecord): View {
  return toView(client, {
    name: 'Refresh Json Web Token',
    description: drfJwtWords[djangoSettings(client).drfJwtPackage].refreshing,
    fields: [{ name: 'token' }],
    cookies: { reads: single, sets: single },
    take: (fields) => tokens.refresh(client, fields.get('token') ?? ''),
  })
}

function verify(tokens: DrfJwtTokens, client: ClientRecord): View {
  return toView(client, {
    name: 'Verify Json Web Token',
    description: drfJwtWords[djangoSettings(client).drfJwtPackage].verifying,
    fields: [{ name: 'token' }],
    cookies: { reads: single, sets: single },
    take: (fields) => tokens.verify(client, fields.get('token') ?? ''),
  })
}

interface Taking {
  readonly name: string
  readonly description: string
  readonly fields: readonly Field[]
  readonly cookies: ViewCookies
  take(fields: ReadonlyMap<string, string>, context: Context): Promise<DrfJwtAnswer>
}

function toView(client: ClientRecord, { take, ...shown }: Taking): View {
  const { drfJwtPackage, authCookie } = djangoSettings(client)
  const { status, tellsIssueTime } = drfJwtWords[drfJwtPackage]
  return {
    ...shown,
    status,
    async post(fields, context): Promise<JsonObject> {
      const { token, issuedAt, expiresIn, userData } = await take(fields, context)
      const isForeign = context.headers['sec-fetch-site'] === 'cross-site'
      if (authCookie !== undefined && client.cookies === null && !isForeign)
        setCookie(context, authCookie, token, expiresIn)
      return { ...userData, ...(tellsIssueTime && { pk: issuedAt }), token }
    },
  }
}

/** `JWT_AUTH_COOKIE` (RFC 6265 §4.1), which no script reads and no other site's form sends, nor sets by logging somebody in. */
function setCookie(context: Context, name: string, token: string, maxAge: number): void {
  const attributes = ['Path=/', `Max-Age=${maxAge}`, 'HttpOnly', 'Secure', 'SameSite=Lax']
  context.append('Set-Cookie', [`${name}=${token}`, ...attributes].join('; '))
}
