import { Remembered } from '../lib/remembered.ts'
import type { ApiRecord } from '../store/api-table.ts'
import type { Store } from '../store/store.ts'

/** All APIs, from memory where the change feed allows it. */
export class ApiDirectory {
  readonly #all: Remembered<'all', readonly ApiRecord[]>
  readonly #unsubscribe: () => void

  constructor(store: Store) {
    this.#all = new Remembered(() => store.apis.list())
    this.#unsubscribe = store.changes.on('apis', () => this.#all.forget())
  }

  /** Oldest first. */
  async list(): Promise<readonly ApiRecord[]> {
    return (await this.#all.get('all')) ?? []
  }

  async find(audience: string): Promise<ApiRecord | undefined> {
    return (await this.list()).find((api) => api.audience === audience)
  }

  close(): void {
    this.#unsubscribe()
  }
}
