import { Remembered } from '../lib/remembered.ts'
import type { ApiRecord } from '../store/api-table.ts'
import type { Store } from '../store/store.ts'
import { ApiCatalogue } from './api-catalogue.ts'

/** All APIs, from memory where the change feed allows it. */
export class ApiDirectory {
  readonly #all: Remembered<'all', ApiCatalogue>
  readonly #unsubscribe: () => void

  constructor(store: Store) {
    this.#all = new Remembered(async () => new ApiCatalogue(await store.apis.list()))
    this.#unsubscribe = store.changes.on('apis', () => this.#all.forget())
  }

  /** As {@link catalogue}, if it is remembered, for those who would not wait for nothing. */
  peek(): ApiCatalogue | undefined {
    return this.#all.peek('all')
  }

  async catalogue(): Promise<ApiCatalogue> {
    return (await this.#all.get('all')) ?? new ApiCatalogue([])
  }

  /** Oldest first. */
  async list(): Promise<readonly ApiRecord[]> {
    return (await this.catalogue()).all
  }

  async find(audience: string): Promise<ApiRecord | undefined> {
    return (await this.catalogue()).find(audience)
  }

  close(): void {
    this.#unsubscribe()
  }
}
