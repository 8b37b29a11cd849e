import type Router from '@koa/router'
import type { Middleware } from 'koa'
import type { ClientRecord } from '../../clients/client-directory.ts'
import { ConfiguredClient } from './configured-client.ts'
import { drfJwtFormat } from './drf-jwt/endpoints.ts'
import { pyJwtFormat } from './pyjwt/endpoints.ts'
import { withCookies } from './rest/cookies.ts'
import { appendSlash, serveView, type View } from './rest/view.ts'
import type { DjangoServices } from './services.ts'
import { simpleJwtFormat } from './simplejwt/endpoints.ts'

/** One wire format: what answers at each of its paths, which may depend on what the client says of itself. */
export interface WireFormat {
  /** The setting that names its client. */
  readonly setting: string
  /** What the paths of its views that take a refresh token begin with. */
  readonly path: string
  readonly views: Readonly<Record<string, (client: ClientRecord) => View>>
}

/** The `client_id` that each format acts for; undefined: there is no such format. */
export interface DjangoClients {
  readonly simplejwt?: string | undefined
  readonly drfJwt?: string | undefined
  readonly pyjwt?: string | undefined
}

const formats: Readonly<Record<keyof DjangoClients, (services: DjangoServices) => WireFormat>> = {
  simplejwt: simpleJwtFormat,
  drfJwt: drfJwtFormat,
  pyjwt: pyJwtFormat,
}

/**
 * Adds the endpoints of the formats that have a client, below each prefix, and tells their paths.
 * @param place the patterns of the prefixes, and the path of the issuer, by which it is known outside.
 */
export function addDjangoRoutes(
  router: Router,
  place: { readonly prefixes: readonly string[]; readonly path: string },
  clients: DjangoClients,
  services: DjangoServices,
): readonly string[] {
  const paths: string[] = []
  for (const [name, toFormat] of Object.entries(formats)) {
    const clientId = clients[name as keyof DjangoClients]
    if (clientId === undefined) continue
    const { setting, path: family, views } = toFormat(services)
    const client = new ConfiguredClient(services.clients, clientId, setting)
    for (const [path, toView] of Object.entries(views)) {
      paths.push(path)
      const serve = serveView(async (context) => {
        const found = await client.find()
        const view = toView(found)
        if (context.method !== 'POST') return view
        return withCookies(view, () => services.cookies.open(found, context, family), services.clock)
      }, services.logger)
      const here = exactly(path, serve, appendSlash(`${place.path}${path}`))
      for (const prefix of place.prefixes) {
        router.all(`${prefix}${path}`, here)
        router.all(`${prefix}${path.slice(0, -1)}`, here)
      }
    }
  }
  return paths
}

/** The router takes a path with two slashes behind it, and in capitals, for the same; Django does not. */
function exactly(path: string, serve: Middleware, redirect: Middleware): Middleware {
  return (context, next) => {
    if (context.path.endsWith(path)) return serve(context, next)
    return `${context.path}/`.endsWith(path) ? redirect(context, next) : next()
  }
}
