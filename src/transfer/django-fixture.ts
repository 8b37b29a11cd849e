import { randomBytes } from 'node:crypto'
import type { JsonValue } from '../protocol/claims.ts'
import type { UserRecord } from '../store/user-table.ts'
import { toDjangoHash } from '../users/hashes/django-hash.ts'

/** The fields of `auth.user` that an import takes as claims of the same names, and what they are without. */
const carried: Readonly<Record<string, JsonValue>> = {
  ...{ first_name: '', last_name: '', is_staff: false, is_superuser: false, last_login: null },
}

/**
 * The users as a fixture of Django's own `auth.user`, for `manage.py loaddata`. It writes whole rows: what an import did not
 * take as a claim is not in it, and loaded over a row that is there, it empties what stood there.
 */
export class DjangoFixture {
  readonly head = '['
  /** Whoever has no primary key yet comes last, so that the one which is given collides with none that follows. */
  readonly passes = 2
  readonly tail = '\n]\n'
  readonly #withHashes: boolean
  #isFirst = true
  #unreadable = 0
  #count = 0

  constructor(withHashes: boolean) {
    this.#withHashes = withHashes
  }

  toText(user: UserRecord, pass: number): string {
    if ((user.claims['user_id'] === undefined) !== (pass === 2)) return ''
    const separator = this.#isFirst ? '\n' : ',\n'
    this.#isFirst = false
    this.#count++
    const { user_id: userId, groups } = user.claims
    const rest = Object.entries(carried).map(([name, none]) => [name, user.claims[name] ?? none])
    const object = {
      model: 'auth.user',
      ...(userId !== undefined && { pk: toPrimaryKey(userId) }),
      fields: {
        username: user.username,
        email: user.email ?? '',
        password: this.#password(user.password),
        is_active: user.disabledAt === null,
        date_joined: new Date(user.createdAt).toISOString(),
        ...Object.fromEntries(rest),
        // A natural key: the name of a group that is there.
        ...(Array.isArray(groups) && { groups: groups.map((name) => [name]) }),
      },
    }
    return separator + JSON.stringify(object)
  }

  remarks(): readonly string[] {
    const remarks = []
    if (this.#unreadable > 0) {
      remarks.push(
        `${this.#unreadable} of ${this.#count} passwords are hashed as Django cannot read; those users need a new one there.`,
      )
    }
    remarks.push(
      'loaddata writes whole rows: what is no claim here (first_name, is_staff, groups, …) it empties; ' +
        'docs/moving-users.md has a way that changes nothing else.',
    )
    return remarks
  }

  #password(hash: string | null): string {
    const read = hash === null || !this.#withHashes ? undefined : toDjangoHash(hash)
    if (hash !== null && this.#withHashes && read === undefined) this.#unreadable++
    // As `make_password(None)` has it: no password is hashed to it, and no two users have the same.
    return read ?? `!${randomBytes(30).toString('base64url')}`
  }
}

function toPrimaryKey(userId: JsonValue): JsonValue {
  const number = Number(userId)
  return Number.isSafeInteger(number) && String(number) === String(userId) ? number : userId
}
