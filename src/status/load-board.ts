import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import type { NumberedChange } from '../store/status-change.ts'
import type { Store } from '../store/store.ts'
import { StatusBoard } from './board.ts'

const decompress = promisify(inflate)

/** How many changes are read at once. */
const page = 5_000

/** Reads every list from the database: its saved bits, and the changes that they lack. */
export async function loadBoard(
  store: Store,
): Promise<{ readonly board: StatusBoard; readonly changes: readonly NumberedChange[] }> {
  const { position, lists, changes, withdrawn } = await store.transaction(async (tx) => {
    const changes: NumberedChange[] = []
    for (let after = 0; ; ) {
      const read = await tx.statusLog.read(after, page)
      changes.push(...read)
      const last = read.at(-1)
      if (!last || read.length < page) break
      after = last.version
    }
    const { keys } = await tx.keys.read()
    return {
      position: await tx.statusLog.position(),
      lists: await tx.status.list(),
      changes,
      withdrawn: keys.filter((key) => key.revoked).map((key) => key.kid),
    }
  })
  const board = new StatusBoard(position.epoch, position.version)
  for (const { id, size, version, bits } of lists) {
    // A list that has no number yet is announced by the change that gets it.
    if (version > 0) board.add(id, size, version, bits ? await decompress(bits) : undefined)
  }
  for (const kid of withdrawn) board.withdrawnKeys.add(kid)
  for (const change of changes) if (change.change.kind === 'revoked') board.apply(change)
  return { board, changes }
}
