import type Router from '@koa/router'
import type { Middleware } from 'koa'
import type { ClientRecord } from '../../clients/client-directory.ts'
import { ConfiguredClient } from './configured-client.ts'
import { appendSlash, serveView, type View } from './rest/view.ts'
import type { DjangoServices } from './services.ts'
import { simpleJwtFormat } from './simplejwt/endpoints.ts'

/** One wire format: what answers at each of its paths, which may depend on what the client says of itself. */
export interface WireFormat {
  /** The setting that names its client. */
  readonly setting: string
  readonly views: Readonly<Record<string, (client: ClientRecord) => View>>
}

/** The `client_id` that each format acts for; undefined: there is no such format. */
export interface DjangoClients {
  readonly simplejwt?: string | undefined
}

const formats: Readonly<Record<keyof DjangoClients, (services: DjangoServices) => WireFormat>> = {
  simplejwt: simpleJwtFormat,
}

/** Adds the endpoints of the formats that have a client, below each prefix, and tells their paths. */
export function addDjangoRoutes(
  router: Router,
  prefixes: Iterable<{ readonly pattern: string; readonly path: string }>,
  clients: DjangoClients,
  services: DjangoServices,
): readonly string[] {
  const paths: string[] = []
  for (const [name, toFormat] of Object.entries(formats)) {
    const clientId = clients[name as keyof DjangoClients]
    if (clientId === undefined) continue
    const { setting, views } = toFormat(services)
    const client = new ConfiguredClient(services.clients, clientId, setting)
    for (const [path, toView] of Object.entries(views)) {
      paths.push(path)
      const serve = serveView(async () => toView(await client.find()), services.logger)
      for (const prefix of prefixes) {
        const here = exactly(`${prefix.path}${path}`, serve)
        router.all(`${prefix.pattern}${path}`, here)
        router.all(`${prefix.pattern}${path.slice(0, -1)}`, here)
      }
    }
  }
  return paths
}

/** The router takes a path with two slashes behind it, and in capitals, for the same; Django does not. */
function exactly(location: string, serve: Middleware): Middleware {
  const redirect = appendSlash(location)
  return (context, next) => {
    if (context.path === location) return serve(context, next)
    return `${context.path}/` === location ? redirect(context, next) : next()
  }
}
