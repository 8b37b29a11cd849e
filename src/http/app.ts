import Router from '@koa/router'
import Koa from 'koa'
import type { ApiDirectory } from '../apis/api-directory.ts'
import type { ClientAuthentication } from '../clients/client-authentication.ts'
import type { Logger } from '../events/log.ts'
import type { GrantPipeline } from '../grants/pipeline.ts'
import type { LiveSessions } from '../sessions/live-sessions.ts'
import type { SessionService } from '../sessions/session-service.ts'
import type { Status } from '../status/status.ts'
import type { Introspection } from '../tokens/introspection.ts'
import type { Mint } from '../tokens/mint.ts'
import type { Revocation } from '../tokens/revocation.ts'
import { ClientNetworks } from './client-network.ts'
import { TokenCookies } from './cookies/token-cookies.ts'
import type { addDjangoRoutes, DjangoClients } from './django/routes.ts'
import type { DjangoServices } from './django/services.ts'
import { livenessEndpoint, type Readiness, readinessEndpoint } from './health.ts'
import { allowOrigins } from './middleware/cors.ts'
import { answerErrors } from './middleware/errors.ts'
import { readForm } from './middleware/form.ts'
import { forbidStoring, setHeaders } from './middleware/headers.ts'
import { observeRequests, type RequestObserver } from './middleware/observe.ts'
import { type Tracing, traceRequests } from './middleware/trace.ts'
import { introspectionEndpoint } from './oauth2/introspect.ts'
import { revocationEndpoint } from './oauth2/revoke.ts'
import { tokenEndpoint } from './oauth2/token.ts'
import { statusEventsEndpoint } from './status/events.ts'
import { aggregationEndpoint, statusListEndpoint } from './status/lists.ts'
import { jwksEndpoint, type PublishedKeys } from './well-known/jwks.ts'
import { issuerPath, metadataEndpoint } from './well-known/metadata.ts'

export interface AppOptions {
  readonly issuer: string
  /** Milliseconds. */
  readonly jwksMaxAge: number
  readonly logger: Logger
  readonly keys: PublishedKeys
  readonly apis: ApiDirectory
  readonly clients: ClientAuthentication
  readonly pipeline: GrantPipeline
  readonly mint: Mint
  readonly introspection: Introspection
  readonly revocation: Revocation
  readonly sessions: Pick<SessionService, 'end'>
  readonly liveSessions: Pick<LiveSessions, 'have'>
  /** The Django wire formats, where a client has one, and the core that they present. */
  readonly django?:
    | {
        readonly addRoutes: typeof addDjangoRoutes
        readonly clients: DjangoClients
        readonly services: Omit<DjangoServices, 'cookies' | 'networks'>
      }
    | undefined
  readonly readiness: Readiness
  readonly status: Pick<Status, 'lists' | 'stream' | 'aggregation'>
  /** Networks and addresses of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Origins whose scripts may call what browsers use. */
  readonly corsOrigins?: readonly string[]
  /** Is told of each request. */
  readonly requests?: RequestObserver | undefined
  readonly tracing?: Tracing | undefined
}

/** The Koa application: every endpoint of the issuer. */
export function createApp(options: AppOptions): Koa {
  const { issuer, logger, clients, status } = options
  const networks = new ClientNetworks(options.trustedProxies)
  const path = issuerPath(issuer)
  const { origin } = new URL(issuer)
  const cookies = new TokenCookies({ origin, path, origins: options.corsOrigins ?? [] })
  const router = new Router()
  // Looked at before all other routes: the one on which every microsecond counts.
  const tokens = new Router()

  // An issuer with a path answers below it and, for a proxy that takes the path off, without it.
  const prefixes = [...new Set(['', toPattern(path)])]
  for (const prefix of prefixes) {
    const form = [forbidStoring, readForm] as const
    tokens.post(`${prefix}/oauth2/token`, ...form, tokenEndpoint({ ...options, cookies, networks }))
    router.post(
      `${prefix}/oauth2/introspect`,
      ...form,
      introspectionEndpoint(clients, options.introspection, networks),
    )
    router.post(`${prefix}/oauth2/revoke`, ...form, revocationEndpoint(clients, options, cookies, networks))
    router.get(`${prefix}/.well-known/jwks.json`, jwksEndpoint(options.keys, options.jwksMaxAge))
    router.get(`${prefix}/status-lists`, aggregationEndpoint(status))
    router.get(`${prefix}/status-lists/events`, statusEventsEndpoint(status.stream, clients, networks))
    router.get(`${prefix}/status-lists/:id`, statusListEndpoint(status.lists))
    router.get(`${prefix}/.well-known/openid-configuration`, metadataEndpoint(issuer, options.apis))
  }
  const { django } = options
  const djangoPaths = django
    ? django.addRoutes(router, { prefixes, path }, django.clients, { ...django.services, cookies, networks })
    : []
  // RFC 8414 §3.1 puts the issuer's path behind the well-known one; OpenID Connect Discovery before it.
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    for (const suffix of new Set(['', path])) {
      const location = `/.well-known/${name}${suffix}`
      if (!router.match(location, 'GET').route)
        router.get(toPattern(location), metadataEndpoint(issuer, options.apis))
    }
  }
  router.get('/livez', livenessEndpoint)
  router.get('/readyz', readinessEndpoint(options.readiness))

  const app = new Koa()
  app.on('error', (error) => logger.error({ event: 'request.failed', err: error }))
  if (options.requests) app.use(observeRequests(options.requests))
  if (options.tracing) app.use(traceRequests(options.tracing))
  app.use(setHeaders(issuer.startsWith('https:')))
  const allowed = allowOrigins(options.corsOrigins ?? [], djangoPaths)
  if (allowed) app.use(allowed)
  app.use(answerErrors(logger))
  app.use(tokens.routes())
  app.use(router.routes())
  app.use(router.allowedMethods())
  return app
}

/** The route that matches `path` and nothing else: some characters of a URL mean more to the router. */
function toPattern(path: string): string {
  return path.replace(/[\\{}()[\]+?!:*]/g, '\\$&')
}
