import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks again until the answer is as wished or the deadline (milliseconds) has passed; the last answer either way,
 * for the test to judge.
 */
export async function eventually<T>(
  ask: () => Promise<T>,
  isWished: (answer: T) => boolean,
  deadline = 30_000,
): Promise<T> {
  for (const end = Date.now() + deadline; ; ) {
    const answer = await ask()
    if (isWished(answer) || Date.now() >= end) return answer
    await delay(25)
  }
}
