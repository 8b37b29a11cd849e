import { describeUser, type User } from './user-description.ts'

export const exportFormats = ['ndjson', 'csv', 'django'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** Writes users in one form, one after the other. */
export interface UserWriter {
  readonly head: string
  /** So often it is given all users; what it has no use for this time it leaves out. */
  readonly passes: number
  toText(user: User, pass: number): string
  readonly tail: string
  /** What is to be said of what was written. */
  remarks(): readonly string[]
}

export async function makeUserWriter(format: ExportFormat, withHashes: boolean): Promise<UserWriter> {
  if (format === 'django') {
    const { DjangoFixture } = await import('../transfer/django-fixture.ts')
    return new DjangoFixture(withHashes)
  }
  const describe = (user: User) => ({
    ...describeUser(user),
    ...(withHashes && { password_hash: user.password, password_normalised: user.passwordNormalised }),
  })
  const plain = { head: '', passes: 1, tail: '', remarks: () => [] }
  if (format === 'ndjson') return { ...plain, toText: (user) => `${JSON.stringify(describe(user))}\n` }
  // Loaded here, since no other command needs it.
  const { stringify } = await import('csv-stringify/sync')
  const cast = { boolean: String, object: (value: unknown) => JSON.stringify(value) }
  let isFirst = true
  return {
    ...plain,
    remarks: () => [
      'What users wrote stands in the cells as it is, and a spreadsheet runs what begins with =, +, - or @ as a formula: ' +
        'import it there as text.',
    ],
    toText(user) {
      const text = stringify([describe(user)], { header: isFirst, cast })
      isFirst = false
      return text
    },
  }
}
