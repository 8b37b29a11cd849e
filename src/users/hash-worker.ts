import { HashStopwatch } from './hash-stopwatch.ts'
import type { HashPolicy } from './hashes/hash-format.ts'
import { currentFormat, otherFormats } from './hashes/known-formats.ts'
import { PasswordHasher, type Verification, type VerificationRequest } from './password-hash.ts'

/** One piece of work for a hashing thread. */
export type HashTask = { readonly policy: HashPolicy } & (
  | { readonly type: 'hash'; readonly password: string }
  | ({ readonly type: 'verify' } & VerificationRequest)
)

const stopwatch = new HashStopwatch()

/** What runs in a hashing thread, where blocking harms nobody. */
export default function runHashTask(task: HashTask): string | Promise<Verification> {
  const passwords = new PasswordHasher(currentFormat, otherFormats, task.policy, stopwatch)
  return task.type === 'hash' ? passwords.hash(task.password) : passwords.verify(task)
}
