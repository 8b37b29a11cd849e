import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '../../bench/statistics.ts'
import type { SharedInstallation } from '../support/shared-installation.ts'
import { refreshTokenOf, TokenClient } from '../support/token-client.ts'

/** Times of requests in milliseconds, and how many were not answered with 200. */
export interface HonestTimes {
  readonly requests: number
  readonly p50: number
  readonly p99: number
  readonly failed: number
}

/** Somebody who does as they should: one session, refreshed over and over on one connection. */
export class HonestClient {
  readonly #client: TokenClient
  readonly #url: string
  readonly #username: string
  #token = ''

  constructor({ service, username }: SharedInstallation, url: string) {
    this.#client = new TokenClient(service)
    this.#url = url
    this.#username = username
  }

  async logIn(): Promise<void> {
    this.#token = refreshTokenOf(await this.#client.login(this.#url, this.#username))
  }

  /** Refreshes until `isOver`. */
  async refreshUntil(isOver: () => boolean): Promise<HonestTimes> {
    const times: number[] = []
    let failed = 0
    while (!isOver()) {
      const sent = performance.now()
      const answer = await this.#client.refresh(this.#url, this.#token)
      times.push(performance.now() - sent)
      if (answer.status === 200) this.#token = refreshTokenOf(answer)
      else failed++
      await delay(5)
    }
    return { requests: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99), failed }
  }

  close(): void {
    this.#client.close()
  }
}
