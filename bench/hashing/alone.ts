/** The hashing workers by themselves, in a process of their own: what no server around them can exceed. */
import { HashPool } from '../../src/users/hash-pool.ts'
import { answerParent } from '../answering.ts'
import { type HashingPhase, type HashingResult, runClients } from './phase.ts'

async function run({ cost, threads, clients, milliseconds }: HashingPhase): Promise<HashingResult> {
  const pool = new HashPool({ cost, threads, queue: clients })
  const password = 'correct horse battery staple'
  const encoded = await pool.hash(password)
  try {
    return await runClients(clients, milliseconds, async () => {
      const { ok } = await pool.verify(password, encoded, { normalised: true })
      if (!ok) throw new Error('The right password was refused.')
    })
  } finally {
    await pool.close()
  }
}

answerParent(run)
