import type { ApiRecord } from '../store/api-table.ts'

/** The APIs of an installation as they are at a moment, found without walking them all. */
export class ApiCatalogue {
  /** Oldest first. */
  readonly all: readonly ApiRecord[]
  readonly #byAudience: ReadonlyMap<string, ApiRecord>
  readonly #byScope = new Map<string, ApiRecord[]>()

  /** @param all oldest first. */
  constructor(all: readonly ApiRecord[]) {
    this.all = all
    this.#byAudience = new Map(all.map((api) => [api.audience, api]))
    for (const api of all) {
      for (const scope of new Set(api.scopes)) {
        const having = this.#byScope.get(scope)
        if (having) having.push(api)
        else this.#byScope.set(scope, [api])
      }
    }
  }

  find(audience: string): ApiRecord | undefined {
    return this.#byAudience.get(audience)
  }

  /** Few APIs, oldest first, among which are all that have every one of these scopes: those that have the rarest. */
  candidates(scopes: readonly string[]): readonly ApiRecord[] {
    let fewest = this.all
    for (const scope of scopes) {
      const having = this.#byScope.get(scope) ?? []
      if (having.length < fewest.length) fewest = having
    }
    return fewest
  }
}
