import { createHash } from 'node:crypto'
import type { TestIssuer } from './in-process-issuer.ts'

export { password, type TestIssuer } from './in-process-issuer.ts'

/** What Django's `MD5PasswordHasher` makes of a password. */
export function md5Hash(password: string): string {
  const salt = 'tests'
  return `md5$${salt}$${createHash('md5').update(`${salt}${password}`).digest('hex')}`
}

/** Takes one user over, as `user import` does, with `--update` or without. */
export async function takeUser(
  { administration }: TestIssuer,
  fields: unknown,
  { update = false } = {},
): Promise<void> {
  async function* rows() {
    yield { place: 'line 1', fields }
  }
  const refusals: string[] = []
  await administration.userImport.run(rows(), {
    update,
    dryRun: false,
    onRefused: (_, problem) => void refusals.push(problem),
    onProgress: () => undefined,
  })
  if (refusals.length > 0) throw new Error(refusals.join())
}
