import type { DumpedObject } from './dumpdata.ts'

type Related =
  | { readonly groups?: readonly string[]; readonly permissions?: readonly string[] }
  | { readonly problem: string }

/** What a dump refers to by primary key, or by natural key as `--natural-foreign` has it. */
export class DumpedRelations {
  readonly #apps = new Map<string, string>()
  readonly #permissions = new Map<string, string>()
  readonly #groups = new Map<string, { readonly name: string; readonly permissions: readonly unknown[] }>()

  /** Takes note of a content type, permission or group. */
  learn({ model, pk, fields }: DumpedObject): void {
    const { name, permissions, codename, content_type: type, app_label: app } = fields
    const key = String(pk)
    if (model === 'contenttypes.contenttype' && typeof app === 'string') this.#apps.set(key, app)
    if (model === 'auth.permission' && typeof codename === 'string') {
      const of = Array.isArray(type) ? String(type[0]) : this.#apps.get(String(type))
      if (of !== undefined) this.#permissions.set(key, `${of}.${codename}`)
    }
    if (model === 'auth.group' && typeof name === 'string') {
      const group = { name, permissions: Array.isArray(permissions) ? permissions : [] }
      this.#groups.set(key, group)
      this.#groups.set(naturalKey([name]), group)
    }
  }

  /** The names of what a user has. */
  find(
    fields: Readonly<Record<string, unknown>>,
    wanted: { readonly groups: boolean; readonly permissions: boolean },
  ): Related {
    if (!wanted.groups && !wanted.permissions) return {}
    const missing = new Set<string>()
    const groups = list(fields['groups']).flatMap((key) => {
      const group = this.#groups.get(naturalKey(key))
      if (group) return group
      // The name is known from the natural key itself, but not what its group permits.
      if (Array.isArray(key) && !wanted.permissions) return { name: String(key[0]), permissions: [] }
      missing.add(`group ${Array.isArray(key) ? key[0] : key}`)
      return []
    })
    const granted = [...list(fields['user_permissions']), ...groups.flatMap(({ permissions }) => permissions)]
    const permissions = wanted.permissions
      ? granted.flatMap((key) => {
          if (Array.isArray(key)) return `${key[1]}.${key[0]}`
          const name = this.#permissions.get(String(key))
          if (name === undefined) missing.add(`permission ${key}`)
          return name ?? []
        })
      : []
    if (missing.size > 0) {
      return {
        problem:
          `The dump does not say before it what is ${[...missing].join(', ')}: ` +
          'make it with --natural-foreign, of auth and contenttypes too, or read the database itself.',
      }
    }
    const sorted = (names: readonly string[]) => [...new Set(names)].sort()
    return {
      ...(wanted.groups && { groups: sorted(groups.map(({ name }) => name)) }),
      ...(wanted.permissions && { permissions: sorted(permissions) }),
    }
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function naturalKey(key: unknown): string {
  return Array.isArray(key) ? JSON.stringify(key) : String(key)
}
