import { setTimeout as sleep } from 'node:timers/promises'

/** Asks until `isDone` says yes to the answer; what comes in the end is for the test to judge. */
export async function eventually<T>(ask: () => Promise<T>, isDone: (answer: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 30_000; ; await sleep(100)) {
    const answer = await ask()
    if (isDone(answer) || Date.now() > deadline) return answer
  }
}
