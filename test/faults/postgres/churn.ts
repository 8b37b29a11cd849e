import { setTimeout as delay } from 'node:timers/promises'
import type { SharedInstallation } from '../../support/shared-installation.ts'
import {
  type Answer,
  LostAnswerError,
  readToken,
  refreshTokenOf,
  TokenClient,
} from '../../support/token-client.ts'
import type { Issued, Ledger } from '../revocation-ledger.ts'

/** A session of which something was answered, and what: it ought to be so ever after. */
export interface Told {
  readonly handle: string
  readonly refreshToken: string
  readonly access: Issued
  fate: 'lives' | 'revoked' | 'access token revoked' | 'unknown'
}

/** Logs in and revokes without end, and keeps what was answered: what the database may not lose. */
export class Churn {
  readonly told: Told[] = []
  readonly #client: TokenClient
  readonly #username: string
  readonly #ledger: Ledger

  constructor(installation: SharedInstallation, ledger: Ledger) {
    this.#client = new TokenClient(installation.service, 4)
    this.#username = installation.username
    this.#ledger = ledger
  }

  close(): void {
    this.#client.close()
  }

  async work(url: string, pause: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const told = await this.#login(url)
      if (!told) {
        await delay(pause)
        continue
      }
      const chance = Math.random()
      if (chance < 0.4) await this.revoke(url, told)
      else if (chance < 0.5) await this.#revokeAccess(url, told)
      await delay(pause * 2 * Math.random())
    }
  }

  async revoke(url: string, told: Told): Promise<void> {
    const done = await this.#ledger.revoke(`session:${told.handle}`, async () => {
      const answer = await this.#post(`${url}/oauth2/revoke`, { token: told.refreshToken })
      return answer?.status === 200
    })
    told.fate = done ? 'revoked' : 'unknown'
  }

  /** A refresh of what may be gone; its access token goes into the ledger. */
  async refresh(url: string, told: Told): Promise<Issued | undefined> {
    const form = { grant_type: 'refresh_token', refresh_token: told.refreshToken }
    const answer = await this.#post(`${url}/oauth2/token`, form)
    return answer?.status === 200 ? this.#enter(answer, told.handle) : undefined
  }

  async #revokeAccess(url: string, told: Told): Promise<void> {
    const { place, text } = told.access
    const done = await this.#ledger.revoke(`place:${place}`, async () => {
      const answer = await this.#post(`${url}/oauth2/revoke`, { token: text })
      return answer?.status === 200
    })
    told.fate = done ? 'access token revoked' : 'unknown'
  }

  async #login(url: string): Promise<Told | undefined> {
    const answer = await this.#client.login(url, this.#username).catch(toLost)
    if (answer?.status !== 200) return undefined
    const refreshToken = refreshTokenOf(answer)
    const { handle } = readToken(refreshToken)
    const told: Told = { handle, refreshToken, access: this.#enter(answer, handle), fate: 'lives' }
    this.told.push(told)
    return told
  }

  #enter({ body }: Answer, handle: string): Issued {
    return this.#ledger.add(String(body['access_token']), [`session:${handle}`])
  }

  #post(url: string, form: Readonly<Record<string, string>>): Promise<Answer | undefined> {
    return this.#client.post(url, form).catch(toLost)
  }
}

function toLost(error: unknown): undefined {
  if (!(error instanceof LostAnswerError)) throw error
  return undefined
}
