import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import * as z from 'zod'
import { AdminError } from '../admin/admin-error.ts'
import { quote } from '../lib/quote.ts'
import { suggest } from '../lib/suggestion.ts'

const column = z.union([z.string().min(1), z.literal(false)], {
  error: 'expected the name of a column, or false for none',
})

const schema = z.strictObject({
  table: z.string().min(1).optional(),
  user: z
    .strictObject({
      username: z.string({ error: 'expected the name of a column' }).min(1).optional(),
      email: column.optional(),
      password: column.optional(),
      active: column.optional(),
      created: column.optional(),
    })
    .optional(),
  claims: z.record(z.string(), column).optional(),
})

/** What becomes of each column, as somebody wrote it down; what is left out is as it would be without. */
export type MappingFile = z.infer<typeof schema>

/** Which column becomes what; undefined: none. */
export interface UserMapping {
  readonly username: string
  readonly email: string | undefined
  readonly password: string | undefined
  readonly active: string | undefined
  readonly created: string | undefined
  /** Columns by the claims that they become. */
  readonly claims: Readonly<Record<string, string>>
}

/** What a model's users are made of, as far as it is Django's own (`AbstractUser`, `AbstractBaseUser`). */
export const djangoColumns = {
  ...{
    username: 'username',
    email: 'email',
    password: 'password',
    active: 'is_active',
    created: 'date_joined',
  },
}

/** What stands in no column of its own: the names of the user's groups, and of the permissions of both. */
export const relations = ['groups', 'permissions'] as const

/** @throws {AdminError} when the file is not there or holds something else. */
export function readMapping(path: string): MappingFile {
  let values: unknown
  try {
    values = parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : cause
    throw new AdminError(`The mapping ${quote(path)} cannot be read: ${why}.`, { cause })
  }
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path: at, message }) =>
    [...(at.length > 0 ? [at.join('.')] : []), message].join(': '),
  )
  throw new AdminError(
    `The mapping ${quote(path)} is wrong: ${problems.join('; ')}. Say --suggest-mapping to see what one holds.`,
  )
}

/**
 * Fits a mapping to the columns that are there.
 * @param key the primary key, which becomes the claim `user_id`.
 * @throws {AdminError} when it names one that is not, or nothing is left to be the user name.
 */
export function resolveMapping(
  { user = {}, claims = {} }: MappingFile,
  columns: readonly string[],
  key: string,
): UserMapping {
  const known = [...columns, ...relations]
  const check = (name: string) => {
    if (known.includes(name)) return name
    throw new AdminError(
      `The mapping names the column ${quote(name)}, which is none of ${known.join(', ')}.${suggest(name, known)}`,
    )
  }
  const find = (field: keyof typeof djangoColumns) => {
    const said: string | false | undefined = user[field]
    if (said === false) return undefined
    if (said !== undefined) return check(said)
    return columns.includes(djangoColumns[field]) ? djangoColumns[field] : undefined
  }
  const username = find('username') ?? find('email')
  if (username === undefined) {
    throw new AdminError(
      `No column is called username or email: say in a mapping which of ${columns.join(', ')} users log in with.`,
    )
  }
  return {
    username,
    ...{ email: find('email'), password: find('password'), active: find('active'), created: find('created') },
    claims: Object.fromEntries(
      Object.entries<string | false>({ user_id: key, ...claims }).flatMap(([claim, name]) =>
        name === false ? [] : [[claim, name === key ? key : check(name)]],
      ),
    ),
  }
}

/** The columns that a mapping leaves behind, besides what is of no use elsewhere. */
export function findUntaken(mapping: UserMapping, columns: readonly string[]): readonly string[] {
  const { claims, ...fields } = mapping
  const taken = new Set<string | undefined>([...Object.values(fields), ...Object.values(claims)])
  return [...columns, ...relations].filter((name) => !taken.has(name))
}

/** The text of a mapping for a model, with what is done without one, and the rest to be chosen from. */
export function suggestMapping(table: string, columns: readonly string[], key: string): string {
  const mapping = resolveMapping({ table }, columns, key)
  const fields = (['username', 'email', 'password', 'active', 'created'] as const).map((field) => {
    const found = mapping[field]
    return `${field} = ${found === undefined ? 'false' : JSON.stringify(found)}`
  })
  const isPlain = (name: string) => /^[A-Za-z0-9_-]+$/.test(name)
  const claims = findUntaken(mapping, columns)
    .filter((name) => name !== key)
    .map((name) => `# ${isPlain(name) ? name : JSON.stringify(name)} = ${JSON.stringify(name)}`)
  return [
    `# What becomes of the columns of ${table}. False: nothing. Delete what is to be as without a mapping.`,
    `table = ${JSON.stringify(table)}`,
    '',
    '[user]',
    ...fields,
    '',
    '# Claims and the columns they are made of. Every token of the user carries them, for whoever has it to read.',
    '[claims]',
    `user_id = ${JSON.stringify(key)}`,
    ...claims,
    '',
  ].join('\n')
}
