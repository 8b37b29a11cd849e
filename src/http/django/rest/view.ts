import type { Context, Middleware } from 'koa'
import type { Logger } from '../../../events/log.ts'
import { UnavailableError } from '../../../lib/unavailable-error.ts'
import type { JsonObject } from '../../../protocol/claims.ts'
import { OAuthError } from '../../../protocol/errors.ts'
import {
  ApiError,
  AuthenticationFailedError,
  methodNotAllowed,
  permissionDenied,
  serverError,
  throttled,
  unavailable,
} from './api-error.ts'
import { type Field, readFields } from './fields.ts'
import { negotiate, rendered } from './negotiation.ts'
import { parsed, readData } from './request-data.ts'

/** An endpoint that takes a POST, as a view of Django REST framework answers. */
export interface View {
  /** What `OPTIONS` tells of it. */
  readonly name: string
  readonly description: string
  readonly fields: readonly Field[]
  /** The `WWW-Authenticate` of its 401. */
  readonly challenge: string
  /**
   * Answers a POST whose fields are good. What it throws is answered: an `ApiError` as it says, and an `OAuthError` of
   * the core, which says that the client may not do this, with 403.
   */
  post(fields: ReadonlyMap<string, string>, context: Context): Promise<JsonObject>
}

const allowed = 'POST, OPTIONS'

/** Serves the view that `find` yields, which is asked at each request. */
export function serveView(find: () => Promise<View>, logger: Logger): Middleware {
  return async (context) => {
    let view: View | undefined
    let indent = 0
    try {
      context.vary('Accept')
      context.set('Allow', allowed)
      context.set('Pragma', 'no-cache')
      indent = negotiate(context)
      view = await find()
      send(context, 200, await answer(view, context), indent)
    } catch (thrown) {
      const error = toApiError(thrown)
      report(logger, context, thrown, error)
      send(context, error.status, error.body, indent)
      if (view && error instanceof AuthenticationFailedError) context.set('WWW-Authenticate', view.challenge)
      context.set({ ...error.headers })
      context.state['error'] = error.code
    }
  }
}

/** Where Django's `APPEND_SLASH` sends a path that lacks its slash. */
export function appendSlash(location: string): Middleware {
  return (context) => {
    context.status = 301
    context.set('Location', `${location}${context.search}`)
    context.type = 'text/html; charset=utf-8'
    context.body = ''
  }
}

async function answer(view: View, context: Context): Promise<JsonObject> {
  if (context.method === 'OPTIONS') return describe(view)
  if (context.method !== 'POST') throw methodNotAllowed(context.method)
  return view.post(readFields(await readData(context), view.fields), context)
}

/** `SimpleMetadata`. */
function describe({ name, description, fields }: View): JsonObject {
  const post = fields.map(({ name: field, readOnly = false }) => {
    const words = field.replaceAll('_', ' ')
    const label = words.charAt(0).toUpperCase() + words.slice(1).toLowerCase()
    return [field, { type: 'string', required: !readOnly, read_only: readOnly, label }]
  })
  const actions = { POST: Object.fromEntries(post) }
  return { name, description, renders: [...rendered], parses: [...parsed], actions }
}

function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown
  if (thrown instanceof UnavailableError) return unavailable(thrown.retryAfterSeconds)
  if (!(thrown instanceof OAuthError)) return serverError()
  const wait = Number(thrown.headers['Retry-After'] ?? Number.NaN)
  return Number.isNaN(wait) ? permissionDenied() : throttled(wait)
}

function report(logger: Logger, context: Context, thrown: unknown, { status, code }: ApiError): void {
  const id = context.state['id']
  if (status >= 500) {
    const event = status === 503 ? 'request.unavailable' : 'request.failed'
    logger[status === 503 ? 'warn' : 'error']({ event, id, err: thrown })
    return
  }
  const reason = thrown instanceof OAuthError ? thrown.message : undefined
  logger.info({ event: 'request.refused', id, code, ...(reason !== undefined && { reason }) })
}

function send(context: Context, status: number, body: JsonObject, indent: number): void {
  context.status = status
  context.set('Content-Type', 'application/json')
  context.body = Buffer.from(JSON.stringify(body, null, indent))
}
