import { type ForeignColumn, type ForeignDatabase, identifier } from './foreign-database.ts'
import type { UserMapping } from './mapping.ts'

type Tables = ReadonlyMap<string, readonly ForeignColumn[]>

/** A table between two others, as Django makes one for a `ManyToManyField`. */
interface Link {
  readonly table: string
  readonly from: string
  readonly to: string
}

const groupPermissions = { table: 'auth_group_permissions', from: 'group_id', to: 'permission_id' }

/** The names of the groups and permissions of users (`PermissionsMixin`), for as far as a mapping asks for them. */
export class DjangoRelations {
  readonly #database: ForeignDatabase
  readonly #groupsOf: Link | undefined
  readonly #permissionsOf: Link | undefined
  readonly #wants: { readonly groups: boolean; readonly permissions: boolean }
  #groups: ReadonlyMap<string, string> = new Map()
  #permissions: ReadonlyMap<string, string> = new Map()
  #permissionsOfGroup: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(database: ForeignDatabase, tables: Tables, table: string, { claims }: UserMapping) {
    this.#database = database
    this.#groupsOf = findLink(tables, `${table}_groups`, 'group_id')
    this.#permissionsOf = findLink(tables, `${table}_user_permissions`, 'permission_id')
    const wanted = Object.values(claims)
    this.#wants = { groups: wanted.includes('groups'), permissions: wanted.includes('permissions') }
  }

  /** Whether the model has groups and permissions at all. */
  get areThere(): boolean {
    return this.#groupsOf !== undefined
  }

  /** Reads the names, which are few. */
  async load(): Promise<void> {
    const { groups, permissions } = this.#wants
    if (groups) this.#groups = await this.#names('SELECT "id" AS "key", "name" FROM "auth_group"')
    if (!permissions) return
    this.#permissions = await this.#names(
      `SELECT p."id" AS "key", c."app_label" || '.' || p."codename" AS "name"
       FROM "auth_permission" p JOIN "django_content_type" c ON c."id" = p."content_type_id"`,
    )
    this.#permissionsOfGroup = await this.#links(groupPermissions)
  }

  /** Reads those of the users with keys from `first` to `last`. @returns what one user has, by the key. */
  async read(
    first: unknown,
    last: unknown,
  ): Promise<
    (key: string) => { readonly groups?: readonly string[]; readonly permissions?: readonly string[] }
  > {
    const { groups, permissions } = this.#wants
    if (!groups && !permissions) return () => ({})
    const [groupsOf, permissionsOf] = [
      await this.#links(this.#groupsOf, first, last),
      permissions
        ? await this.#links(this.#permissionsOf, first, last)
        : new Map<string, readonly string[]>(),
    ]
    return (key) => {
      const member = groupsOf.get(key) ?? []
      const own = permissionsOf.get(key) ?? []
      const granted = [...own, ...member.flatMap((group) => this.#permissionsOfGroup.get(group) ?? [])]
      return {
        ...(groups && { groups: named(member, this.#groups) }),
        ...(permissions && { permissions: named(granted, this.#permissions) }),
      }
    }
  }

  async #names(sql: string): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#database.select(sql)
    return new Map(rows.map(({ key, name }) => [String(key), String(name)]))
  }

  async #links(
    link: Link | undefined,
    first?: unknown,
    last?: unknown,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const links = new Map<string, string[]>()
    if (!link) return links
    const [table, from, to] = [link.table, link.from, link.to].map(identifier)
    const between = first === undefined ? '' : ` WHERE ${from} >= ? AND ${from} <= ?`
    const rows = await this.#database.select(
      `SELECT ${from} AS "from", ${to} AS "to" FROM ${table}${between}`,
      first === undefined ? [] : [first, last],
    )
    for (const row of rows) {
      const key = String(row['from'])
      const found = links.get(key)
      if (found) found.push(String(row['to']))
      else links.set(key, [String(row['to'])])
    }
    return links
  }
}

function findLink(tables: Tables, table: string, to: string): Link | undefined {
  const from = tables.get(table)?.find(({ name, isKey }) => !isKey && name !== to)
  return from && { table, from: from.name, to }
}

function named(keys: readonly string[], names: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set(keys.flatMap((key) => names.get(key) ?? []))].sort()
}
