import * as z from 'zod'
import type { JsonObject } from '../protocol/claims.ts'
import { isUnusable, judgeHash } from '../users/hashes/known-formats.ts'
import { normaliseUsername } from '../users/username.ts'
import { AdminError } from './admin-error.ts'
import { checkEmail, checkUserClaims, checkUsername } from './validation.ts'

/** One user as a source has it, as its reader understood it. */
export type UserRow = {
  /** What the row is called in a message: `line 12`, `id 42`. */
  readonly place: string
} & (
  | {
      readonly fields: unknown
      /** Whether a claim that the row does not name stays as it is; otherwise its claims are all there are. */
      readonly keepsClaims?: boolean
    }
  | { readonly problem: string }
)

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

/** A row that can be taken. */
export interface UserCandidate {
  readonly place: string
  readonly username: string
  readonly id: string | undefined
  /** Undefined, here and below: the row says nothing of it. */
  readonly email: string | null | undefined
  readonly claims: JsonObject | undefined
  readonly keepsClaims: boolean
  readonly disabled: boolean | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number | undefined
  /** Null: no password. */
  readonly hash: string | null | undefined
  readonly hashFormat: string
  readonly isNormalised: boolean
}

/** What `hashFormat` is where there is no usable password. */
export const noPassword = 'none'

/** Understands a row, or tells what is wrong with it. */
export function readUserRow(row: UserRow): UserCandidate | { place: string; problem: string } {
  const { place } = row
  if ('problem' in row) return row
  const parsed = schema.safeParse(row.fields)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ code, path, message }) => {
      if (code === 'unrecognized_keys') return `${message}; a row has ${userFields.join(', ')}`
      return path.length === 0 ? 'expected a JSON object' : `${path.join('.')}: ${message}`
    })
    return { place, problem: `${problems.join('; ')}.` }
  }
  try {
    return { place, keepsClaims: row.keepsClaims === true, ...check(parsed.data) }
  } catch (error) {
    if (error instanceof AdminError) return { place, problem: error.message }
    throw error
  }
}

function check(row: z.infer<typeof schema>): Omit<UserCandidate, 'place' | 'keepsClaims'> {
  const username = normaliseUsername(row.username)
  checkUsername(username)
  if (row.email) checkEmail(row.email)
  const claims = row.claims as JsonObject | undefined
  if (claims) checkUserClaims(claims)
  const hash =
    typeof row.password_hash === 'string' && isUnusable(row.password_hash) ? null : row.password_hash
  return {
    username,
    id: row.id,
    email: row.email === undefined ? undefined : row.email || null,
    claims,
    disabled: row.disabled,
    createdAt: row.created_at === undefined ? undefined : Date.parse(row.created_at),
    hash,
    hashFormat: typeof hash === 'string' ? checkHash(hash) : noPassword,
    isNormalised: row.password_normalised === true,
  }
}

function checkHash(hash: string): string {
  const judged = judgeHash(hash)
  if ('format' in judged) return judged.format
  throw new AdminError(
    `The password hash cannot be taken: ${judged.problem}. Leave it out, and set a password.`,
  )
}
