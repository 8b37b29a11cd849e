import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { LostAnswerError, refreshTokenOf, TokenClient } from '../support/token-client.ts'

export interface MarkOptions {
  readonly kills: number
  readonly clients: number
}

export interface MarkResult {
  kills: number
  /** Logins and revocations that were answered; each is audit rows. */
  changes: number
  /** Kills that left rows without a seal. */
  unsealed: number
  /** Kills that left the mark behind the database. */
  behind: number
  /** Starts that took the crash for an old database. */
  falseAlarms: number
  /** What `audit verify` found at the end, and while no server ran after each kill. */
  findings: number
}

/** Logs in and revokes until the issuer is gone. */
async function work(client: TokenClient, url: string, username: string, result: MarkResult): Promise<void> {
  for (;;) {
    try {
      const token = refreshTokenOf(await client.login(url, username))
      result.changes++
      await client.post(`${url}/oauth2/revoke`, { token })
      result.changes++
    } catch (error) {
      if (error instanceof LostAnswerError) return
      throw error
    }
  }
}

async function inspect(installation: SharedInstallation, result: MarkResult): Promise<void> {
  const path = join(installation.directory, 'keys', 'high-water-mark.json')
  const mark: { readonly sequence: number } = JSON.parse(readFileSync(path, 'utf8'))
  const chain = await installation.store.auditChain.read()
  if (chain.isPending) result.unsealed++
  if (chain.sequence > mark.sequence) result.behind++
  result.findings += (await installation.administration.auditSeal.verify()).findings.length
}

/**
 * Kills an issuer at random moments while logins and revocations write audit rows, so that some kills fall between a
 * commit and its seal and between the seal and the mark; every next start must take the database for what it is.
 */
export async function killWhileSealing(options: MarkOptions): Promise<MarkResult> {
  const result: MarkResult = { kills: 0, changes: 0, unsealed: 0, behind: 0, falseAlarms: 0, findings: 0 }
  const installation = await createInstallation()
  const clients = Array.from({ length: options.clients }, () => new TokenClient(installation.service))
  let node = await installation.startChild()
  const port = Number(new URL(node.url).port)
  try {
    while (result.kills < options.kills) {
      const working = clients.map((client) => work(client, node.url, installation.username, result))
      const before = result.changes
      await eventually(
        async () => result.changes,
        (changes) => changes > before,
      )
      // From then on something is sealed every half a second.
      await delay(Math.random() * 600)
      await node.end('SIGKILL')
      result.kills++
      await Promise.all(working)
      await inspect(installation, result)
      try {
        node = await installation.startChild(port)
      } catch (error) {
        if (!/taken back in time|high-water mark/.test(String(error))) throw error
        result.falseAlarms++
        return result
      }
    }
    return result
  } finally {
    for (const client of clients) client.close()
    await node.end('SIGKILL')
    await installation.close()
  }
}
