import { Worker } from 'node:worker_threads'

/**
 * After how many written rows the log is written back. Each changes a page, so the log is about half full then (see
 * `pagesBetweenCheckpoints`), and a page that changed often is written once.
 */
const rowsBetween = 2_000

/**
 * Writes the log of a SQLite database back into its file, in a thread of its own that starts with the first of many
 * rows: those pages lie all over the file, and a commit that had to write them would keep everybody waiting.
 */
export class SqliteCheckpoints {
  readonly #filename: string
  #rows = 0
  #thread: Worker | undefined
  #isBusy = false

  constructor(filename: string) {
    this.#filename = filename
  }

  /** Tells of rows that were committed. */
  wrote(rows: number): void {
    this.#rows += rows
    if (this.#rows < rowsBetween || this.#isBusy) return
    this.#rows = 0
    this.#isBusy = true
    this.#thread ??= this.#start()
    this.#thread.postMessage(this.#filename)
  }

  /** Resolves when the thread has let go of the file. */
  async close(): Promise<void> {
    this.#isBusy = true
    await this.#thread?.terminate()
  }

  #start(): Worker {
    const thread = new Worker(new URL('./checkpoint-worker.js', import.meta.url))
    thread.on('message', () => {
      this.#isBusy = false
    })
    // Nothing depends on it: the commit that finds the log full writes it back.
    thread.on('error', () => {
      this.#thread = undefined
      this.#isBusy = false
    })
    thread.unref()
    return thread
  }
}
