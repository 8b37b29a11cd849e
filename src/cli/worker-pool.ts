import cluster, { type Worker } from 'node:cluster'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Primary, WorkerView } from '../compose/primary.ts'
import { configureWorker } from '../compose/worker-config.ts'
import type { Config } from '../config.ts'
import { Calls } from '../lib/calls.ts'
import { minute, second } from '../lib/durations.ts'
import { LineRelay } from './line-relay.ts'
import type { PrimaryProcedures, WorkerProcedures } from './worker-messages.ts'
import { watchWorker } from './worker-watch.ts'

/** How long after its end a worker is started again: at first, and at most, when it ends again and again. Milliseconds. */
const firstPause = second / 4
const longestPause = 30 * second

/** A worker that has served for so long ended for a reason of its own, in milliseconds. */
const steadyAfter = minute

/** Signatures, and what files and names are asked for, of a process; fewer would wait for one slow name. */
const leastThreads = 2
const usualThreads = 4

/** A worker that serves. */
interface Serving extends WorkerView {
  readonly calls: Calls<WorkerProcedures>
}

export interface WorkerPoolOptions {
  readonly config: Config
  readonly count: number
  readonly primary: Primary
  /** No worker is left and none can be started. */
  readonly onFailure: (error: unknown) => void
}

/** The worker processes: as many as there should be serve on one port, and one that ends is started again. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #processes = new Map<number, Worker>()
  readonly #serving = new Map<number, Serving>()
  readonly #pauses = new Map<number, NodeJS.Timeout>()
  #port: number
  #url: string | undefined
  #stopping = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#port = options.config.port
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('./serve-worker.js', import.meta.url)),
      args: [],
      // Keys are bytes, and samples have values that JSON has not.
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    // Whatever the environment says: connections are kept alive, and only by turns does each worker get as many.
    cluster.schedulingPolicy = cluster.SCHED_RR
  }

  /** Those that serve now. */
  get serving(): readonly WorkerView[] {
    return [...this.#serving.values()]
  }

  /** Starts all of them. @returns where they listen. @throws what the first threw that could not start. */
  async start(): Promise<string> {
    const { count } = this.#options
    const urls = await Promise.all(
      Array.from({ length: count }, (_, index) => this.#launch(index, firstPause)),
    )
    return urls[0] ?? ''
  }

  /** Lets each finish what it has accepted; see {@link RunningIssuer.stop}. @throws when one failed to. */
  async stop(reason: string, linger: number): Promise<void> {
    this.#stopping = true
    for (const pause of this.#pauses.values()) clearTimeout(pause)
    const ends = [...this.#processes].map(([index, worker]) => {
      const serving = this.#serving.get(index)
      const ended = new Promise<string | undefined>((resolve) => {
        worker.on('exit', (code, signal) => {
          resolve(code === 0 || !serving ? undefined : `worker ${index + 1} ended with ${code ?? signal}`)
        })
      })
      // It answers with its end.
      if (serving) serving.calls.call('stop', reason, linger).catch(() => undefined)
      else worker.process.kill('SIGKILL')
      return ended
    })
    const failed = (await Promise.all(ends)).filter((end) => end !== undefined)
    if (failed.length > 0) throw new Error(failed.join(', '))
  }

  /** Ends all of them at once. */
  kill(): void {
    this.#stopping = true
    for (const worker of this.#processes.values()) worker.process.kill('SIGKILL')
  }

  async #launch(index: number, pause: number): Promise<string> {
    const { config, count, primary } = this.#options
    // The port that was free stays theirs for as long as any of them has it.
    if (this.#url !== undefined && this.#processes.size === 0) this.#port = Number(new URL(this.#url).port)
    const port = this.#port
    const worker = cluster.fork({ UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'] ?? threads(count) })
    this.#processes.set(index, worker)
    const began = performance.now()
    const { calls, ready } = this.#connect(worker)
    const view: Serving = {
      calls,
      problems: () => calls.call('problems'),
      samples: () => calls.call('samples'),
    }
    worker.on('exit', (code, signal) => {
      this.#processes.delete(index)
      if (this.#serving.get(index) !== view) return
      this.#serving.delete(index)
      primary.ended(view)
      if (this.#stopping) return
      const again = performance.now() - began > steadyAfter ? firstPause : pause
      const { pid } = worker.process
      primary.log({ event: 'worker.ended', worker: index + 1, pid, code, signal, again })
      this.#launchLater(index, again)
    })
    const handed = configureWorker({ ...config, port }, index, count)
    // A process that could not even be made has no end to wait for.
    const failed = new Promise<never>((_, reject) => {
      worker.on('error', (error) => {
        if (worker.process.pid === undefined) this.#processes.delete(index)
        reject(error)
      })
    })
    await Promise.race([ready, failed])
    const { url } = await calls.call('start', handed, primary.isMeasured)
    this.#url ??= url
    // All others ended while this one started, and a free port is another one then.
    if (url !== this.#url) throw new Error(`It listens at ${url}, and not at ${this.#url}.`)
    this.#serving.set(index, view)
    const { pid } = worker.process
    primary.log({ event: 'worker.started', worker: index + 1, pid })
    const onSilence = () => {
      primary.log({ event: 'worker.silent', worker: index + 1, pid })
      worker.process.kill('SIGKILL')
    }
    worker.on(
      'exit',
      watchWorker(() => calls.call('ping'), onSilence),
    )
    return url
  }

  #launchLater(index: number, pause: number): void {
    const next = Math.min(longestPause, 2 * pause)
    const launching = () =>
      this.#launch(index, next).catch((error: unknown) => {
        if (this.#stopping) return
        this.#processes.get(index)?.process.kill('SIGKILL')
        // Those that serve, and those that are being started.
        if ([...this.#processes.keys()].every((other) => other === index)) {
          this.#options.onFailure(error)
          return
        }
        const message = error instanceof Error ? error.message : String(error)
        this.#options.primary.log({ event: 'worker.failed', worker: index + 1, message, again: next })
        this.#launchLater(index, next)
      })
    this.#pauses.set(
      index,
      setTimeout(() => {
        this.#pauses.delete(index)
        void launching()
      }, pause),
    )
  }

  #connect(worker: Worker): { readonly calls: Calls<WorkerProcedures>; readonly ready: Promise<void> } {
    const { counters, write } = this.#options.primary
    const relay = new LineRelay(write)
    worker.process.stdout?.setEncoding('utf8').on('data', (text: string) => relay.take(text))
    let isReady: () => void = () => undefined
    // What is called when it ended before is refused anyway.
    const ready = new Promise<void>((resolve) => {
      isReady = resolve
      worker.on('exit', resolve)
    })
    const mine: PrimaryProcedures = {
      ready: () => isReady(),
      take: (...values) => counters.take(...values),
      giveBack: (...values) => counters.giveBack(...values),
    }
    const calls = new Calls<WorkerProcedures>(
      {
        send: (message) => void worker.process.send(message as object, () => undefined),
        onMessage: (listen) => void worker.on('message', listen),
        onEnd: (listen) => void worker.on('exit', listen),
      },
      mine,
    )
    return { calls, ready }
  }
}

/** As many threads in all as there are cores, or hardly more. */
function threads(workers: number): number {
  return Math.min(usualThreads, Math.max(leastThreads, Math.ceil(availableParallelism() / workers)))
}
