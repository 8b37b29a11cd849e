import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Report } from './answering.ts'

/** A child process of the benchmark that answers one message at a time. */
export class Worker {
  readonly pid: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child
    this.pid = pid
  }

  /** `module` is relative to this folder. */
  static start(module: string): Worker {
    const child = fork(new URL(module, import.meta.url))
    if (child.pid === undefined) throw new Error(`${module} could not be started.`)
    return new Worker(child, child.pid)
  }

  /**
   * What the child makes of the message with `answerParent`.
   * @param about stands in front of what it says of a failure.
   * @throws when it fails, or ends instead of answering.
   */
  async ask<Result>(message: number | object, about?: string): Promise<Result> {
    const waiting = new AbortController()
    const { signal } = waiting
    try {
      const answered = once(this.#child, 'message', { signal })
      const ended = once(this.#child, 'exit', { signal }).then(([code]) => {
        throw new Error(`A child of the benchmark ended with ${code} instead of answering.`)
      })
      this.#child.send(message)
      const [answer] = await Promise.race([answered, ended])
      const report = answer as Report<Result>
      if ('failure' in report) {
        throw new Error(about === undefined ? report.failure : `${about}: ${report.failure}`)
      }
      return report.result
    } finally {
      waiting.abort()
    }
  }

  stop(): void {
    this.#child.disconnect()
  }
}
