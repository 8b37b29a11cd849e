import type { Event } from '../events/event.ts'
import { sha256 } from '../lib/digests.ts'
import { randomId } from '../lib/ids.ts'
import { quote } from '../lib/quote.ts'
import { findUserIdClaim, type JsonObject } from '../protocol/claims.ts'
import type { StoreTransaction } from '../store/store.ts'
import type { UserRecord } from '../store/user-table.ts'
import { endUserSessions } from './user-admin.ts'
import type { UserCandidate } from './user-row.ts'

/** What became of a row, or why nothing did. */
export type UserOutcome = 'created' | 'updated' | 'unchanged' | 'skipped' | { readonly problem: string }

interface BatchOptions {
  readonly update: boolean
  readonly dryRun: boolean
}

/** Users by each of the names that only one may have. */
class Acquaintances {
  readonly #byName = new Map<string, UserRecord>()

  add(user: UserRecord): void {
    for (const name of namesOf(user)) this.#byName.set(name, user)
  }

  remove(user: UserRecord): void {
    for (const name of namesOf(user)) this.#byName.delete(name)
  }

  find(name: string): UserRecord | undefined {
    return this.#byName.get(name)
  }
}

const usernameKey = (username: string) => `username ${username}`
const idKey = (id: string) => `id ${id}`
const userIdKey = (userId: string) => `user_id ${userId}`

function namesOf({
  id,
  username,
  claims,
}: Pick<UserRecord, 'id' | 'username' | 'claims'>): readonly string[] {
  const userId = findUserIdClaim(claims)
  return [usernameKey(username), idKey(id), ...(userId === undefined ? [] : [userIdKey(userId)])]
}

/**
 * Takes a batch of rows over in one transaction, in few statements. A user is known again by the id that Mintage gave,
 * else by the `user_id` among the claims, else by the user name, unless the row has a `user_id` and that user has another
 * or was made here.
 * @param seen what a dry run would have made before, as names.
 * @returns what became of each row, and the names of what was, or would have been, made.
 */
export async function takeUsers(
  tx: StoreTransaction,
  batch: readonly UserCandidate[],
  { update, dryRun }: BatchOptions,
  seen: ReadonlySet<string>,
): Promise<{ readonly outcomes: readonly UserOutcome[]; readonly made: ReadonlySet<string> }> {
  const known = new Acquaintances()
  const found = await tx.users.findAny({
    usernames: batch.map(({ username }) => username),
    ids: batch.flatMap(({ id }) => id ?? []),
    userIds: batch.flatMap(({ claims }) => (claims && findUserIdClaim(claims)) ?? []),
  })
  for (const user of found) known.add(user)
  const created: UserRecord[] = []
  const made = new Set<string>()
  const outcomes: UserOutcome[] = []
  for (const row of batch) {
    const match = recognise(row, known)
    if (match && 'problem' in match) outcomes.push(match)
    else if (match && !update) outcomes.push('skipped')
    // Whoever stands twice in one source was written by the first row, or will be when this batch is.
    else if (match && created.includes(match)) outcomes.push('skipped')
    else if (match) {
      const updated = changeUser(match, row, tx.now)
      if (updated && !dryRun) await writeChange(tx, match, updated)
      if (updated) {
        known.remove(match)
        known.add(updated)
      }
      outcomes.push(updated ? 'updated' : 'unchanged')
    } else {
      const user = makeUser(row, tx.now)
      if (namesOf(user).some((name) => seen.has(name))) {
        outcomes.push('skipped')
        continue
      }
      known.add(user)
      created.push(user)
      if (dryRun) for (const name of namesOf(user)) made.add(name)
      outcomes.push('created')
    }
  }
  if (!dryRun) {
    await tx.users.insertAll(created)
    await tx.record(...created.map(({ id }): Event => ({ type: 'user.created', user: id })))
  }
  return { outcomes, made }
}

function recognise(
  row: UserCandidate,
  known: Acquaintances,
): UserRecord | { readonly problem: string } | undefined {
  const userId = row.claims && findUserIdClaim(row.claims)
  const byId = row.id === undefined ? undefined : known.find(idKey(row.id))
  const byUserId = userId === undefined ? undefined : known.find(userIdKey(userId))
  const byUsername = known.find(usernameKey(row.username))
  if (row.id !== undefined && !byId && (byUsername ?? byUserId)) {
    return { problem: `The user name ${quote(row.username)} belongs to a user of another id here.` }
  }
  const match = byId ?? byUserId ?? byUsername
  if (!match) return undefined
  if (byUsername && byUsername !== match) {
    return { problem: `The user name ${quote(row.username)} belongs to another user here.` }
  }
  if (byUserId && byUserId !== match) {
    return { problem: `The user_id ${quote(userId ?? '')} belongs to another user here.` }
  }
  const here = findUserIdClaim(match.claims)
  // Who was made here and has the same name may be anybody: an update would hand them to whoever has it elsewhere.
  const isLocal = match.passwordImportedAt === null
  if (row.id === undefined && !byUserId && userId !== undefined && (here !== undefined || isLocal)) {
    const name = `The user name ${quote(row.username)} belongs to a user`
    return {
      problem:
        here === undefined
          ? `${name} who was made here, and may be somebody else. Give that user the claim user_id ${quote(userId)} ` +
            '(mintage user update) if both are one; else rename the one that comes, where it comes from.'
          : `${name} here who has the user_id ${quote(here)}.`,
    }
  }
  return match
}

function makeUser(row: UserCandidate, now: number): UserRecord {
  const hash = row.hash ?? null
  return {
    id: row.id ?? randomId('usr'),
    username: row.username,
    email: row.email ?? null,
    claims: mergeClaims({}, row),
    password: hash,
    // Nobody knows what was hashed elsewhere; the first login finds out.
    passwordNormalised: hash === null || row.isNormalised,
    importedPassword: hash === null ? null : sha256(hash),
    passwordImportedAt: now,
    passwordChangedAt: now,
    disabledAt: row.disabled === true ? now : null,
    createdAt: row.createdAt ?? now,
    updatedAt: now,
  }
}

/** The user as the row has it; undefined when that is no change. */
function changeUser(user: UserRecord, row: UserCandidate, now: number): UserRecord | undefined {
  // Never enables: a source that knows nothing of who was disabled here says of everybody that they are not.
  const disabledAt = row.disabled === true ? (user.disabledAt ?? now) : user.disabledAt
  const changed = {
    ...user,
    username: row.username,
    email: row.email === undefined ? user.email : row.email,
    claims: mergeClaims(user.claims, row),
    disabledAt,
    ...changePassword(user, row, now),
  }
  return JSON.stringify(changed) === JSON.stringify(user) ? undefined : { ...changed, updatedAt: now }
}

/**
 * A hash that is the one the user came with is no news, whatever became of it here: a login replaced it by a better one
 * of the same password, or another password was set. Another one counts as set now and not as the one they came with, so
 * that no refresh token from before is exchanged.
 */
function changePassword(user: UserRecord, row: UserCandidate, now: number): Partial<UserRecord> {
  if (row.hash === undefined || row.hash === user.password) return {}
  const digest = row.hash === null ? null : sha256(row.hash)
  if (digest === user.importedPassword) return {}
  return {
    password: row.hash,
    passwordNormalised: row.hash === null || row.isNormalised,
    importedPassword: digest,
    passwordChangedAt: now,
  }
}

function mergeClaims(claims: JsonObject, row: UserCandidate): JsonObject {
  if (!row.claims) return claims
  const merged = row.keepsClaims ? { ...claims, ...row.claims } : row.claims
  // A column that is empty takes its claim away.
  return row.keepsClaims
    ? Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
    : merged
}

async function writeChange(tx: StoreTransaction, user: UserRecord, changed: UserRecord): Promise<void> {
  const id = user.id
  if (changed.password !== user.password) {
    await endUserSessions(tx, id, 'password_changed')
    await tx.record({ type: 'user.password_set', user: id })
  }
  if (changed.disabledAt !== user.disabledAt) {
    await endUserSessions(tx, id, 'user_disabled')
    await tx.record({ type: 'user.disabled', user: id })
  }
  const told = ({ username, email, claims }: UserRecord) => JSON.stringify([username, email, claims])
  if (told(changed) !== told(user)) await tx.record({ type: 'user.updated', user: id })
  await tx.users.update(changed)
}
