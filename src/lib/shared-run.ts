/**
 * Runs one piece of work at a time. Calls that come before a run begins share it; one that comes while a run is under
 * way waits for the next, since that run may have begun too early for it.
 */
export class SharedRun {
  readonly #work: () => Promise<void>
  #queued: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** Resolves when a run that began after the call has ended; rejects as that run does. */
  run(): Promise<void> {
    this.#queued ??= this.#last.then(() => {
      this.#queued = undefined
      return this.#work()
    })
    this.#last = this.#queued.catch(() => undefined)
    return this.#queued
  }

  /** Resolves when every run that was asked for has ended, however it did. */
  settled(): Promise<void> {
    return this.#last
  }
}
