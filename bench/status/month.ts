import { minute } from '../../src/lib/durations.ts'
import { blockLife, blockNeededUntil, mostPlaces } from '../../src/status/index-blocks.ts'
import { defaultListSize } from '../../src/status/status.ts'
import { openStore } from '../../src/store/store.ts'
import { renderTable } from '../results.ts'

const tokensPerSecond = 1_000
const tokenLife = 15 * minute

/** Reserves blocks as fast as a client with so many tokens a second needs them, and retires lists every five minutes. */
export async function simulateClientTokens(databaseUrl: string, days: number): Promise<string> {
  let now = Date.UTC(2030, 0, 1)
  const clock = { now: () => now }
  const store = await openStore({ url: databaseUrl, clock })
  let made = 0
  let most = 0
  const blockSeconds = mostPlaces / tokensPerSecond
  const end = now + days * 24 * 60 * minute
  try {
    // An hour a transaction, for what a commit costs is not what is asked here.
    while (now < end) {
      const hourEnd = now + 60 * minute
      await store.transaction(async (tx) => {
        for (let at = now, nextUpkeep = at; at < hourEnd; at += blockSeconds * 1_000) {
          await tx.status.reserve({
            kind: 'client',
            owner: 'cli_1',
            size: mostPlaces,
            listSize: defaultListSize,
            newList: `lst_${made++}`,
            neededUntil: blockNeededUntil(at, tokenLife),
          })
          if (at < nextUpkeep) continue
          nextUpkeep += 5 * minute
          await tx.status.retire(at)
          most = Math.max(most, (await tx.status.list()).length)
        }
      })
      now = hourEnd
    }
    await store.sequenceStatus()
    const born = (await store.statusLog.read(0, 1_000_000)).filter(
      ({ change }) => change.kind === 'list',
    ).length
    return renderTable(
      ['days', 'tokens', 'lists made', 'lists alive, at most', 'lists alive, at the end'],
      [
        [
          String(days),
          (made * mostPlaces).toLocaleString('en'),
          String(born),
          String(most),
          String((await store.status.list()).length),
        ],
      ],
    ).concat(
      `\nA block is ${mostPlaces} places, given out for ${blockLife / minute} minutes at most; a token lives ${tokenLife / minute} minutes.`,
    )
  } finally {
    await store.close()
  }
}
