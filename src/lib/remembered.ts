/**
 * Remembers what was loaded by key until it is told to forget. What was being loaded while it was told so is not
 * remembered, so that nothing stale outlives the telling; what was not found is not remembered either.
 */
export class Remembered<Key, Value> {
  readonly #load: (key: Key) => Promise<Value | undefined>
  #values = new Map<Key, Value>()

  constructor(load: (key: Key) => Promise<Value | undefined>) {
    this.#load = load
  }

  /** The value if it is here already, for those who cannot wait. */
  peek(key: Key): Value | undefined {
    return this.#values.get(key)
  }

  async get(key: Key): Promise<Value | undefined> {
    const known = this.#values.get(key)
    if (known !== undefined) return known
    const values = this.#values
    const value = await this.#load(key)
    if (value !== undefined && values === this.#values) values.set(key, value)
    return value
  }

  forget(): void {
    this.#values = new Map()
  }
}
