import type { Context } from 'koa'
import type { Status } from '../../status/status.ts'
import { isNamed } from '../entity-tag.ts'

const listType = 'application/statuslist+jwt'

/** Caches between here and many verifiers may answer for a second; more would delay what is polled for. */
const cacheControl = 'public, max-age=1'

/** `GET /status-lists/{id}`: the Status List Token (draft-ietf-oauth-status-list, "Status List Request"). */
export function statusListEndpoint(lists: Status['lists']): (context: Context) => Promise<void> {
  return async (context) => {
    context.vary('Accept')
    if (context.accepts(listType) === false) {
      context.status = 406
      return
    }
    const list = await lists.get(String(context['params']['id']))
    if (!list) return
    answer(context, listType, list.etag, list.token)
  }
}

/** `GET /status-lists`: the lists that are in use (the draft's "Status List Aggregation"), and their numbers. */
export function aggregationEndpoint(
  status: Pick<Status, 'aggregation'>,
): (context: Context) => Promise<void> {
  return async (context) => {
    const { token, etag } = await status.aggregation()
    answer(context, 'application/json', etag, token)
  }
}

function answer(context: Context, type: string, etag: string, body: string): void {
  context.set('Cache-Control', cacheControl)
  context.set('ETag', etag)
  if (isNamed(context.get('If-None-Match'), etag)) {
    context.status = 304
    return
  }
  context.set('Content-Type', type)
  context.body = body
}
