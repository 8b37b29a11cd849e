import { z } from 'zod'
import { randomId } from '../lib/ids.ts'
import { quote } from '../lib/quote.ts'
import type { JsonObject } from '../protocol/claims.ts'
import type { Store, StoreTransaction } from '../store/store.ts'
import type { UserRecord } from '../store/user-table.ts'
import { normaliseUsername } from '../users/username.ts'
import { AdminError } from './admin-error.ts'
import { endUserSessions } from './user-admin.ts'
import { checkEmail, checkUserClaims, checkUsername } from './validation.ts'

/** One row of a file of users, as its reader understood it. */
export type UserRow =
  | { readonly line: number; readonly fields: unknown }
  | { readonly line: number; readonly problem: string }

export interface UserImportOptions {
  /** Whether a user who is there already gets what the row says; otherwise the row is skipped. */
  readonly update: boolean
  /** Whether nothing is written. */
  readonly dryRun: boolean
  /** Told of each row that is refused, and why. */
  readonly onRefused: (line: number, problem: string) => void
  /** Told of the counts now and then. */
  readonly onProgress: (counts: ImportCounts) => void
}

/** How many rows came to what. */
export interface ImportCounts {
  readonly created: number
  readonly updated: number
  /** Already as the row says. */
  readonly unchanged: number
  /** There already, and not to be updated. */
  readonly skipped: number
  readonly refused: number
}

/** So many rows share a commit. */
const batchSize = 200

const date = z.iso.datetime({ offset: true, error: 'expected a time such as 2026-01-31T12:00:00Z' })

/** The fields of a row; one that is unknown would be lost in silence. */
const schema = z.strictObject({
  username: z.string({ error: 'expected a text' }),
  id: z
    .string()
    .regex(/^usr_[\w-]{22}$/, 'expected an id that Mintage gave (usr_…), or none')
    .optional(),
  email: z.string({ error: 'expected a text' }).nullish(),
  claims: z.record(z.string(), z.unknown(), { error: 'expected a JSON object' }).optional(),
  disabled: z.boolean({ error: 'expected true or false' }).optional(),
  created_at: date.optional(),
  password_hash: z.string({ error: 'expected a text' }).nullish(),
  password_normalised: z.boolean({ error: 'expected true or false' }).optional(),
})

/** The names that a row may have. */
export const userFields: readonly string[] = Object.keys(schema.shape)

type Fields = z.infer<typeof schema>
type Outcome = Exclude<keyof ImportCounts, 'refused'>

interface Candidate {
  readonly line: number
  readonly fields: Fields
}

/**
 * Takes users over from elsewhere, with their password hashes where a login can check them. A row that cannot be
 * taken is reported and the rest goes on; what was taken stays, and the same file may be run again.
 */
export class UserImport {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** @throws {StoreUnavailableError} when the database cannot be used; the rows before it are in. */
  async run(rows: AsyncIterable<UserRow>, options: UserImportOptions): Promise<ImportCounts> {
    const counts = { created: 0, updated: 0, unchanged: 0, skipped: 0, refused: 0 }
    const refuse = (line: number, problem: string) => {
      counts.refused++
      options.onRefused(line, problem)
    }
    // What a dry run would have made by now, and the database does not have.
    const seen = new Set<string>()
    let batch: Candidate[] = []
    const flush = async () => {
      const { outcomes, refused } = await this.#take(batch, options, seen)
      for (const outcome of outcomes) counts[outcome]++
      for (const [line, problem] of refused) refuse(line, problem)
      batch = []
      options.onProgress({ ...counts })
    }
    for await (const row of rows) {
      const candidate = 'problem' in row ? row : await readRow(row.line, row.fields)
      if ('problem' in candidate) refuse(candidate.line, candidate.problem)
      else batch.push(candidate)
      if (batch.length === batchSize) await flush()
    }
    await flush()
    return counts
  }

  async #take(
    batch: readonly Candidate[],
    { update, dryRun }: UserImportOptions,
    seen: Set<string>,
  ): Promise<{ outcomes: readonly Outcome[]; refused: readonly (readonly [number, string])[] }> {
    if (batch.length === 0) return { outcomes: [], refused: [] }
    const { outcomes, refused, made } = await this.#store.transaction(async (tx) => {
      // A transaction may run twice, so it gathers what it finds anew.
      const made = new Set<string>()
      const outcomes: Outcome[] = []
      const refused: (readonly [number, string])[] = []
      for (const { line, fields } of batch) {
        const existing = await tx.users.findByUsername(fields.username)
        const namesake = fields.id === undefined ? undefined : await tx.users.findById(fields.id)
        if (fields.id !== undefined && (namesake ?? existing) && namesake?.id !== existing?.id) {
          refused.push([line, `The id and the user name ${quote(fields.username)} belong to two users here.`])
        } else if (existing) {
          outcomes.push(update ? await updateUser(tx, existing, fields, dryRun) : 'skipped')
        } else if (dryRun && (seen.has(fields.username) || made.has(fields.username))) {
          outcomes.push('skipped')
        } else {
          if (dryRun) made.add(fields.username)
          else await createUser(tx, fields)
          outcomes.push('created')
        }
      }
      return { outcomes, refused, made }
    })
    for (const username of made) seen.add(username)
    return { outcomes, refused }
  }
}

async function readRow(line: number, row: unknown): Promise<Candidate | { line: number; problem: string }> {
  const parsed = schema.safeParse(row)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ code, path, message }) => {
      if (code === 'unrecognized_keys') return `${message}; a row has ${userFields.join(', ')}`
      return path.length === 0 ? 'expected a JSON object' : `${path.join('.')}: ${message}`
    })
    return { line, problem: `${problems.join('; ')}.` }
  }
  try {
    return { line, fields: await checkRow(parsed.data) }
  } catch (error) {
    if (error instanceof AdminError) return { line, problem: error.message }
    throw error
  }
}

async function checkRow(row: Fields): Promise<Fields> {
  const username = normaliseUsername(row.username)
  checkUsername(username)
  if (row.email) checkEmail(row.email)
  if (row.claims) checkUserClaims(row.claims as JsonObject)
  if (row.password_hash) {
    const { isKnownHash, listKnownFormats } = await import('../users/hashes/known-formats.ts')
    if (!isKnownHash(row.password_hash)) {
      throw new AdminError(
        `The password hash is of no format that a login here can check (known: ${listKnownFormats()}): ` +
          'leave it out, and set a password.',
      )
    }
  }
  return { ...row, username }
}

async function createUser(tx: StoreTransaction, row: Fields): Promise<void> {
  const hash = row.password_hash || null
  const user: UserRecord = {
    id: row.id ?? randomId('usr'),
    username: row.username,
    email: row.email || null,
    claims: (row.claims ?? {}) as JsonObject,
    password: hash,
    // Nobody knows what was hashed elsewhere; the first login finds out.
    passwordNormalised: hash === null || row.password_normalised === true,
    passwordChangedAt: tx.now,
    disabledAt: row.disabled === true ? tx.now : null,
    createdAt: row.created_at === undefined ? tx.now : Date.parse(row.created_at),
    updatedAt: tx.now,
  }
  await tx.users.insert(user)
  await tx.record({ type: 'user.created', user: user.id })
}

async function updateUser(
  tx: StoreTransaction,
  user: UserRecord,
  row: Fields,
  dryRun: boolean,
): Promise<Outcome> {
  const hash = row.password_hash ?? user.password
  const changesPassword = hash !== user.password
  const disables = row.disabled === true && user.disabledAt === null
  const enables = row.disabled === false && user.disabledAt !== null
  const email = row.email === undefined ? user.email : row.email || null
  const claims = (row.claims ?? user.claims) as JsonObject
  const changesRest = email !== user.email || JSON.stringify(claims) !== JSON.stringify(user.claims)
  if (!changesPassword && !disables && !enables && !changesRest) return 'unchanged'
  if (dryRun) return 'updated'
  if (changesPassword) {
    await endUserSessions(tx, user.id, 'password_changed')
    await tx.record({ type: 'user.password_set', user: user.id })
  }
  if (disables) {
    await endUserSessions(tx, user.id, 'user_disabled')
    await tx.record({ type: 'user.disabled', user: user.id })
  }
  if (enables) await tx.record({ type: 'user.enabled', user: user.id })
  if (changesRest) await tx.record({ type: 'user.updated', user: user.id })
  await tx.users.update({
    ...user,
    email,
    claims,
    ...(changesPassword && {
      password: hash,
      passwordNormalised: row.password_normalised === true,
      passwordChangedAt: tx.now,
    }),
    ...(disables && { disabledAt: tx.now }),
    ...(enables && { disabledAt: null }),
    updatedAt: tx.now,
  })
  return 'updated'
}
