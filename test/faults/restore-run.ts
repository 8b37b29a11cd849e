import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createVerifier } from '@mintage/verifier'
import { type ChildInstallation, makeChildInstallation } from '../support/child-installation.ts'
import type { ChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { audience, password, scopes } from '../support/in-process-issuer.ts'
import type { Confidential } from '../support/shared-installation.ts'
import { refreshTokenOf, TokenClient } from '../support/token-client.ts'
import { emptyTally, HonestClient } from './honest-client.ts'

export interface RestoreResult {
  /** What `serve` said to the old database; empty when it started. */
  readonly refusal: string
  /** Tokens that were issued before the backup and revoked after it. */
  readonly revoked: number
  /** Of those tried, how many worked again after `--accept-resurrection`: what the row would show if nothing held. */
  readonly resurrected: number
  /** After `--end-sessions`: refreshed, called active, accepted by a verifier from before, by one from after. */
  readonly refreshed: number
  readonly active: number
  readonly acceptedByOld: number
  readonly acceptedByNew: number
  /** Refreshes that went on while the backup was made, and whether a login works in the end. */
  readonly meanwhile: number
  readonly works: boolean
}

interface Pair {
  readonly access: string
  readonly refresh: string
}

const username = 'ada'

/** Backs up a database under load, revokes, brings the copy back, and recovers. */
export async function restoreOldDatabase(sessions: number): Promise<RestoreResult> {
  const installation = await makeChildInstallation({
    environment: { MINTAGE_LOG_LEVEL: 'silent', MINTAGE_THROTTLE: 'off' },
  })
  const { issuer, directory } = installation
  const verifier = createVerifier({ issuer, audience })
  try {
    const service = await prepare(installation)
    const client = new TokenClient(service, 16)
    let node = await installation.serve()
    const pairs = await all(sessions, () => login(client, issuer))
    await verifier.ready()
    const copy = join(directory, 'copy.db')
    const meanwhile = await whileRefreshing(service, issuer, () => installation.administer('backup', copy))
    await all(sessions, async (i) => {
      const token = (i % 4 === 0 ? pairs[i]?.access : pairs[i]?.refresh) ?? ''
      const { status } = await client.post(`${issuer}/oauth2/revoke`, { token })
      if (status !== 200) throw new Error(`A revocation was answered with ${status}.`)
    })
    await end(node, client)
    bringBack(directory, copy)
    const refusal = await installation.serve().then(
      () => '',
      (error: unknown) => String(error),
    )
    const saved = join(directory, 'saved')
    cpSync(installation.keysDir, saved, { recursive: true })

    await installation.administer('recover', '--accept-resurrection')
    node = await installation.serve()
    const sample = await all(Math.min(100, sessions), async (i) =>
      isRefreshed(client, issuer, pairs[i]?.refresh ?? ''),
    )
    await end(node, client)

    bringBack(directory, copy)
    rmSync(installation.keysDir, { recursive: true })
    cpSync(saved, installation.keysDir, { recursive: true })
    await installation.administer('recover', '--end-sessions')
    await installation.serve()
    const fresh = createVerifier({ issuer, audience })
    try {
      await fresh.ready()
      const again = await login(client, issuer)
      // The verifier of before follows as soon as its next attempt at the stream, at most ten seconds apart, meets the issuer.
      const works = await eventually(
        async () => (await isAccepted(fresh, again.access)) && (await isAccepted(verifier, again.access)),
        (isWorking) => isWorking,
        20_000,
      )
      const tried = await all(sessions, async (i) => {
        const { access, refresh } = pairs[i] ?? { access: '', refresh: '' }
        return {
          refreshed: await isRefreshed(client, issuer, refresh),
          active:
            (await client.post(`${issuer}/oauth2/introspect`, { token: access })).body['active'] !== false,
          byOld: await isAccepted(verifier, access),
          byNew: await isAccepted(fresh, access),
        }
      })
      const count = (of: keyof (typeof tried)[number]) => tried.filter((each) => each[of]).length
      return {
        refusal,
        revoked: sessions,
        resurrected: sample.filter((each) => each).length,
        refreshed: count('refreshed'),
        active: count('active'),
        acceptedByOld: count('byOld'),
        acceptedByNew: count('byNew'),
        meanwhile,
        works,
      }
    } finally {
      fresh.close()
      client.close()
    }
  } finally {
    verifier.close()
    await installation.remove()
  }
}

async function prepare(installation: ChildInstallation): Promise<Confidential> {
  return installation.prepare(async ({ apis, clients, users }) => {
    await apis.create(audience, { scopes })
    await users.create(username, { password })
    const { secret = '' } = await clients.create('service', false, {
      grants: ['client_credentials', 'password', 'refresh_token'],
      audiences: [audience],
    })
    return { id: 'service', secret }
  })
}

/** Runs `act` for each index, sixteen at a time; the results in order. */
async function all<T>(count: number, act: (index: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = []
  const work = async (first: number) => {
    for (let i = first; i < count; i += 16) results[i] = await act(i)
  }
  await Promise.all(Array.from({ length: 16 }, (_, i) => work(i)))
  return results
}

async function login(client: TokenClient, issuer: string): Promise<Pair> {
  const answer = await client.login(issuer, username)
  return { access: String(answer.body['access_token']), refresh: refreshTokenOf(answer) }
}

async function isRefreshed(client: TokenClient, issuer: string, token: string): Promise<boolean> {
  return (await client.refresh(issuer, token)).status === 200
}

async function isAccepted(verifier: ReturnType<typeof createVerifier>, token: string): Promise<boolean> {
  return verifier.verify(token).then(
    () => true,
    () => false,
  )
}

/** Carries `act` out while clients refresh, and counts how often they did. */
async function whileRefreshing(
  service: Confidential,
  url: string,
  act: () => Promise<unknown>,
): Promise<number> {
  const tally = emptyTally()
  const clients = Array.from({ length: 4 }, () => new HonestClient({ service, username }, false))
  let isOver = false
  const working = clients.map(async (client) => {
    await client.login(url)
    while (!isOver) await client.refresh(url, tally)
    client.close()
  })
  await act()
  isOver = true
  await Promise.all(working)
  return tally.refreshed
}

async function end(node: ChildIssuer, client: TokenClient): Promise<void> {
  client.close()
  await node.end()
}

/** As docs/operations.md says it. */
function bringBack(directory: string, copy: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(join(directory, `mintage.db${suffix}`), { force: true })
  cpSync(copy, join(directory, 'mintage.db'))
}
