import { readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { readResident } from '../../bench/process-usage.ts'
import { minute, second } from '../../src/lib/durations.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { subscribe } from '../support/status.ts'
import { type Answer, refreshTokenOf, TokenClient } from '../support/token-client.ts'

export interface EnduranceOptions {
  readonly minutes: number
  /** Requests a second. */
  readonly rate: number
  readonly onSample?: (sample: Sample) => void
}

/** What the process was like at a moment, and how its answers were since the one before. */
export interface Sample {
  /** Since the load began, in seconds. */
  readonly at: number
  /** Resident memory, in bytes. */
  readonly resident: number
  readonly descriptors: number
  readonly requests: number
  /** Of all answers, in milliseconds. */
  readonly p50: number
  readonly p99: number
}

export interface EnduranceResult {
  readonly samples: readonly Sample[]
  /** How many of each kind of request were answered. */
  readonly requests: Readonly<Record<string, number>>
  /** Answers that were not as they should be. */
  readonly wrong: Readonly<Record<string, number>>
  /** How many keys signed. */
  readonly kids: number
}

/** How many sessions live at a time, and how many verifiers listen. */
const sessionCount = 200
const subscriberCount = 20
const connectionCount = 16

/** A constant mixed load on one process of the built executable, whose memory and descriptors are watched from outside. */
export async function runEndurance(options: EnduranceOptions): Promise<EnduranceResult> {
  const installation = await createInstallation({
    environment: {
      MINTAGE_KEY_ROTATION: '2m',
      MINTAGE_JWKS_MAX_AGE: '10s',
      MINTAGE_ACCESS_TOKEN_TTL: '5m',
      MINTAGE_LOG_LEVEL: 'info',
    },
  })
  const node = await installation.startChild()
  // Its log would grow in this process.
  node.process.stdout?.removeAllListeners('data').resume()
  const load = new MixedLoad(installation, node.url)
  const subscriptions = await Promise.all(Array.from({ length: subscriberCount }, () => subscribe(node.url)))
  const samples: Sample[] = []
  try {
    await load.begin()
    const started = performance.now()
    const every = Math.min(10, options.minutes * 2) * second
    const sampling = (async () => {
      while (performance.now() - started < options.minutes * minute) {
        await delay(every)
        const pid = node.process.pid ?? 0
        const sample = {
          at: Math.round((performance.now() - started) / second),
          resident: readResident(pid),
          descriptors: readdirSync(`/proc/${pid}/fd`).length,
          ...load.takeLatencies(),
        }
        samples.push(sample)
        options.onSample?.(sample)
      }
    })()
    await load.run(options.minutes * minute, options.rate)
    await sampling
    return { samples, requests: load.requests, wrong: load.wrong, kids: load.kids.size }
  } finally {
    for (const subscription of subscriptions) await subscription.close()
    load.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}

type Act = () => Promise<Pick<Answer, 'status'>>

class MixedLoad {
  readonly requests: Record<string, number> = {}
  readonly wrong: Record<string, number> = {}
  readonly kids = new Set<string>()
  readonly #client: TokenClient
  readonly #url: string
  readonly #username: string
  #latencies: number[] = []
  readonly #sessions: string[] = []
  readonly #busy = new Set<number>()
  #access = ''

  constructor({ service, username }: SharedInstallation, url: string) {
    this.#client = new TokenClient(service, connectionCount)
    this.#url = url
    this.#username = username
  }

  async begin(): Promise<void> {
    for (let i = 0; i < sessionCount; i++) {
      this.#sessions.push(refreshTokenOf(await this.#client.login(this.#url, this.#username)))
    }
    // All connections are there from the beginning.
    await Promise.all(Array.from({ length: 4 * connectionCount }, () => this.#own()))
  }

  /** At a constant rate, whatever the answers take. */
  async run(duration: number, rate: number): Promise<void> {
    const acts: readonly (readonly [weight: number, name: string, act: Act])[] = [
      [40, 'refresh', () => this.#refresh()],
      [25, 'client_credentials', () => this.#own()],
      [15, 'introspection', () => this.#post('introspect', { token: this.#access })],
      [8, 'jwks', () => this.#client.get(`${this.#url}/.well-known/jwks.json`)],
      [4, 'status lists', () => this.#client.get(`${this.#url}/status-lists`)],
      [2, 'login and revocation', () => this.#replace()],
      [1, 'revocation of an access token', () => this.#revokeAccess()],
      [0.2, 'stream, for a moment', () => this.#listen()],
    ]
    const total = acts.reduce((sum, [weight]) => sum + weight, 0)
    const choose = () => {
      let left = Math.random() * total
      return acts.find(([weight]) => {
        left -= weight
        return left < 0
      })
    }
    const started = performance.now()
    const underWay = new Set<Promise<void>>()
    for (let n = 0; performance.now() - started < duration; n++) {
      const wait = started + (n * second) / rate - performance.now()
      if (wait > 1) await delay(wait)
      const [, name = '', act] = choose() ?? []
      // When this machine cannot keep up, requests that pile up here would be measured instead.
      if (!act || underWay.size >= 256) continue
      const one = this.#measure(name, act).finally(() => underWay.delete(one))
      underWay.add(one)
    }
    await Promise.all(underWay)
  }

  takeLatencies(): Pick<Sample, 'requests' | 'p50' | 'p99'> {
    const sorted = this.#latencies.sort((a, b) => a - b)
    this.#latencies = []
    const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2))
    return { requests: sorted.length, p50: at(0.5), p99: at(0.99) }
  }

  close(): void {
    this.#client.close()
  }

  async #measure(name: string, act: Act): Promise<void> {
    const started = performance.now()
    const { status } = await act()
    this.#latencies.push(performance.now() - started)
    this.requests[name] = (this.requests[name] ?? 0) + 1
    if (status === 200) return
    const what = `${name}: ${status}`
    this.wrong[what] = (this.wrong[what] ?? 0) + 1
  }

  #post(
    endpoint: 'token' | 'introspect' | 'revoke',
    form: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return this.#client.post(`${this.#url}/oauth2/${endpoint}`, form)
  }

  async #own(): Promise<Answer> {
    const answer = await this.#post('token', { grant_type: 'client_credentials' })
    const token = answer.body['access_token']
    if (typeof token === 'string') {
      this.#access = token
      this.kids.add(token.split('.')[0] ?? '')
    }
    return answer
  }

  /** A session that nobody refreshes at the moment, taken until `use` is done. */
  async #withSession(use: (index: number) => Promise<Answer>): Promise<Answer> {
    let index = Math.floor(Math.random() * sessionCount)
    while (this.#busy.has(index)) index = (index + 1) % sessionCount
    this.#busy.add(index)
    try {
      return await use(index)
    } finally {
      this.#busy.delete(index)
    }
  }

  #refresh(): Promise<Answer> {
    return this.#withSession(async (index) => {
      const answer = await this.#client.refresh(this.#url, this.#sessions[index] ?? '')
      if (answer.status === 200) this.#sessions[index] = refreshTokenOf(answer)
      return answer
    })
  }

  /** Ends one session and begins another. */
  #replace(): Promise<Answer> {
    return this.#withSession(async (index) => {
      const answer = await this.#post('revoke', { token: this.#sessions[index] ?? '' })
      const login = await this.#client.login(this.#url, this.#username)
      this.#sessions[index] = refreshTokenOf(login)
      return answer.status === 200 ? login : answer
    })
  }

  async #revokeAccess(): Promise<Answer> {
    const { body } = await this.#post('token', { grant_type: 'client_credentials' })
    return this.#post('revoke', { token: String(body['access_token']) })
  }

  async #listen(): Promise<{ readonly status: number }> {
    const subscription = await subscribe(this.#url)
    await subscription.close()
    return subscription
  }
}
