import { RefreshRefusedError } from '../../sessions/refresh-refused-error.ts'

/** Whether a refresh was refused though its session goes on, so that another tab's cookies are good still. */
export function leavesSession(error: unknown): boolean {
  return (
    error instanceof RefreshRefusedError &&
    (error.reason === 'retry_key' || error.reason === 'audience_closed')
  )
}
