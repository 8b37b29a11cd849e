/**
 * The unit that everything is measured in: RS256 signatures by the thread pool, sixteen under way at a time, with
 * nothing around them. A process of its own that makes as many as it is told and answers when they are made.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { answerParent } from './answering.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const input = Buffer.alloc(480, 'a')
const underWay = 16

function signOnce(): Promise<void> {
  return new Promise((resolve, reject) => {
    sign('sha256', input, privateKey, (error) => (error ? reject(error) : resolve()))
  })
}

async function signMany(count: number): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: underWay }, async () => {
      while (left-- > 0) await signOnce()
    }),
  )
}

answerParent(signMany)
