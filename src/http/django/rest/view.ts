import type { Context, Middleware } from 'koa'
import type { Logger } from '../../../events/log.ts'
import { OverloadedError } from '../../../lib/overloaded-error.ts'
import { UnavailableError } from '../../../lib/unavailable-error.ts'
import type { JsonObject } from '../../../protocol/claims.ts'
import { OAuthError } from '../../../protocol/errors.ts'
import { AmbiguousTokenError, CrossSiteRequestError } from '../../cookies/errors.ts'
import {
  ApiError,
  AuthenticationFailedError,
  csrfFailed,
  methodNotAllowed,
  parseError,
  permissionDenied,
  serverError,
  throttled,
  unavailable,
} from './api-error.ts'
import type { ViewCookies } from './cookies.ts'
import { type Field, readFields } from './fields.ts'
import { negotiate, rendered } from './negotiation.ts'
import { parsed, type RequestData, readData } from './request-data.ts'

/** An endpoint that takes a POST, as a view of Django REST framework answers. */
export interface View {
  /** What `OPTIONS` tells of it. */
  readonly name: string
  readonly description: string
  readonly fields: readonly Field[]
  /** The `WWW-Authenticate` of its 401; undefined where it has none. */
  readonly challenge?: string
  /** Of its good answers; 200 where nothing else is said. */
  readonly status?: number
  /** How its tokens travel where they travel in cookies. */
  readonly cookies: ViewCookies
  /**
   * Answers a POST whose fields are good. What it throws is answered: an `ApiError` as it says, and an `OAuthError` of
   * the core, which says that the client may not do this, with 403.
   */
  post(fields: ReadonlyMap<string, string>, context: Context): Promise<JsonObject>
  /** In place of the serializer's check of the fields. */
  readonly read?: (data: RequestData) => ReadonlyMap<string, string>
  /** In place of the body that Django REST framework gives an error. */
  readonly describeError?: (error: ApiError) => JsonObject
}

const allowed = 'POST, OPTIONS'

/** Serves the view that `find` yields, which is asked at each request. */
export function serveView(find: (context: Context) => Promise<View>, logger: Logger): Middleware {
  return async (context) => {
    let view: View | undefined
    let indent = 0
    try {
      context.vary('Accept')
      context.set('Allow', allowed)
      context.set('Pragma', 'no-cache')
      indent = negotiate(context)
      view = await find(context)
      const body = await answer(view, context)
      send(context, context.method === 'POST' ? (view.status ?? 200) : 200, body, indent)
    } catch (thrown) {
      const error = toApiError(thrown)
      report(logger, context, thrown, error)
      send(context, error.status, view?.describeError?.(error) ?? error.body, indent)
      if (view?.challenge !== undefined && error instanceof AuthenticationFailedError) {
        context.set('WWW-Authenticate', view.challenge)
      }
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
    context.set('Content-Type', 'text/html; charset=utf-8')
    context.body = ''
  }
}

async function answer(view: View, context: Context): Promise<JsonObject> {
  if (context.method === 'OPTIONS') return describe(view)
  if (context.method !== 'POST') throw methodNotAllowed(context.method)
  const data = await readData(context)
  return view.post(view.read ? view.read(data) : readFields(data, view.fields), context)
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
  if (thrown instanceof CrossSiteRequestError) return csrfFailed(thrown.message)
  if (thrown instanceof AmbiguousTokenError) return parseError(thrown.message)
  if (thrown instanceof UnavailableError) return unavailable(thrown.retryAfterSeconds)
  if (!(thrown instanceof OAuthError)) return serverError()
  const wait = Number(thrown.headers['Retry-After'] ?? Number.NaN)
  return Number.isNaN(wait) ? permissionDenied() : throttled(wait)
}

function report(logger: Logger, context: Context, thrown: unknown, { status, code }: ApiError): void {
  const id = context.state['id']
  if (status >= 500) {
    // Of what there is too much of, the log tells by numbers.
    if (thrown instanceof OverloadedError) return
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
