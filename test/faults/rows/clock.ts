import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hour, second } from '../../../src/lib/durations.ts'
import { eventually } from '../../support/eventually.ts'
import { decodeClaims } from '../../support/oauth.ts'
import { createInstallation } from '../../support/shared-installation.ts'
import { refreshTokenOf, TokenClient } from '../../support/token-client.ts'
import { startCuttingProxy } from '../cutting-proxy.ts'
import { CannotRunError, type Fault } from '../fault.ts'
import { emptyTally, HonestClient } from '../honest-client.ts'

/** Where the clock of the issuer stands in turn, against the right time. */
const offsets = [hour, 0, -hour, 0]

export const clockJumps: Fault = {
  id: 'clock',
  name: 'clock jumps by an hour either way',
  holds: 'generation decisions unaffected',
  engines: ['SQLite', 'PostgreSQL'],
  async run({ quick, database }) {
    const clock = new FakedClock()
    const installation = await createInstallation({
      environment: { ...(await database()), ...clock.environment },
    })
    const node = await installation.startChild()
    const proxy = await startCuttingProxy(node.url)
    const clients = Array.from({ length: 8 }, (_, i) => new HonestClient(installation, i % 2 === 1))
    const other = new TokenClient(installation.service)
    const tally = emptyTally()
    let jumps = 0
    let retries = 0
    let replays = 0
    let wrong = 0
    try {
      for (const client of clients) await client.login(node.url)
      const revoked = refreshTokenOf(await other.login(node.url, installation.username))
      await other.post(`${node.url}/oauth2/revoke`, { token: revoked })
      for (let round = 0; round < (quick ? 1 : 10); round++) {
        for (const offset of offsets) {
          // The worst moment: between the commit and the retry.
          const before = clients.map(({ token }) => token)
          for (const client of clients) await client.refresh(proxy.url, tally)
          const replayed = refreshTokenOf(await other.login(node.url, installation.username))
          const next = refreshTokenOf(await other.refresh(node.url, replayed))
          const last = refreshTokenOf(await other.refresh(node.url, next))
          clock.set(offset)
          jumps++
          if (!(await clock.isSeen(offset, other, node.url))) throw new Error('The clock did not jump.')
          for (const [i, client] of clients.entries()) {
            await client.refresh(node.url, tally)
            if (client.token !== before[i]) retries++
            for (let n = 0; n < 3; n++) await client.refresh(node.url, tally)
          }
          // Two generations ago is nobody's retry; it ends the session, now as ever. What was ended stays so.
          for (const token of [replayed, last, revoked]) {
            const answer = await other.refresh(node.url, token)
            if (answer.body['error'] === 'invalid_grant') replays++
            else wrong++
          }
        }
      }
    } finally {
      for (const client of [...clients, other]) client.close()
      proxy.close()
      await node.end('SIGKILL')
      await installation.close()
      clock.remove()
    }
    const { refreshed, lost, forked } = tally
    return {
      figure:
        `${jumps} jumps, ${retries} retries across one and ${refreshed - retries} refreshes: ${lost} lost, ` +
        `${forked} forked; ${replays} replayed or revoked tokens refused, ${wrong} accepted`,
      ok: retries === jumps * clients.length && replays > 0 && lost + forked + wrong === 0,
    }
  },
}

/** libfaketime: the time of day of a real process can be set while it runs; its steady clock goes on. */
class FakedClock {
  readonly environment: Readonly<Record<string, string>>
  readonly #directory = mkdtempSync(join(tmpdir(), 'mintage-clock-'))
  readonly #file = join(this.#directory, 'offset')

  /** @throws {CannotRunError} without the library. */
  constructor() {
    this.environment = {
      LD_PRELOAD: findLibrary(),
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    }
    this.set(0)
  }

  /** `offset`: milliseconds from the right time. */
  set(offset: number): void {
    writeFileSync(this.#file, `${offset < 0 ? '' : '+'}${offset / second}`)
  }

  /** Waits until a token of the issuer tells the time so. */
  async isSeen(offset: number, client: TokenClient, url: string): Promise<boolean> {
    const read = async () => {
      const { body } = await client.post(`${url}/oauth2/token`, { grant_type: 'client_credentials' })
      const { iat, exp } = decodeClaims(String(body['access_token']))
      if (Number(exp) - Number(iat) !== 900) throw new Error(`A token lives from ${iat} to ${exp}.`)
      return Number(iat) * second - Date.now() - offset
    }
    return Math.abs(await eventually(read, (difference) => Math.abs(difference) < 60 * second)) < 60 * second
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function findLibrary(): string {
  const places = readdirSync('/usr/lib', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join('/usr/lib', name, 'faketime', 'libfaketimeMT.so.1'))
  const found = [...places, '/usr/lib/faketime/libfaketimeMT.so.1'].find((path) => existsSync(path))
  if (found === undefined) throw new CannotRunError('there is no libfaketime: apt-get install libfaketime')
  return found
}
