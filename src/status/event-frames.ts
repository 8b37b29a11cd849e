import type { NumberedChange } from '../store/status-change.ts'
import type { StatusBoard } from './board.ts'

/** What a verifier must know to be up to date: it then fetches each list whose number is beyond its own. */
export interface StatusSummary {
  readonly epoch: string
  readonly version: number
  readonly lists: Readonly<Record<string, { readonly version: number; readonly size: number }>>
  readonly withdrawn_keys: readonly string[]
}

export function summarise(board: StatusBoard, listBase: string): StatusSummary {
  return {
    epoch: board.epoch,
    version: board.version,
    lists: Object.fromEntries(
      [...board.lists.values()].map(({ id, version, size }) => [listBase + id, { version, size }]),
    ),
    withdrawn_keys: [...board.withdrawnKeys],
  }
}

/** One server-sent event (WHATWG HTML, "Server-sent events"). */
function frame(event: string, data: object, id?: string): Buffer {
  const text = `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
  // Memory of its own: frames are kept, and one from the pool would keep the eight kilobytes around it.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

export function changeFrame(epoch: string, { version, change }: NumberedChange, listBase: string): Buffer {
  const id = `${epoch}.${version}`
  if (change.kind === 'keys') return frame('keys', { version, withdrawn: change.withdrawn }, id)
  const { kind, list, ...rest } = change
  return frame(kind, { version, uri: listBase + list, ...rest }, id)
}

export function snapshotFrame(summary: StatusSummary): Buffer {
  return frame('snapshot', summary, `${summary.epoch}.${summary.version}`)
}

export function resumedFrame(epoch: string, version: number): Buffer {
  return frame('resumed', { epoch, version }, `${epoch}.${version}`)
}

/**
 * `age` in milliseconds: everything that was committed so long before this was written has been sent. `at` is when that
 * was, by this process's monotonic clock, so that a reader can tell a slow stream.
 */
export function heartbeatFrame(version: number, age: number, at: number = performance.now()): Buffer {
  return frame('heartbeat', { version, age: Math.ceil(age), at: Math.floor(at) })
}
