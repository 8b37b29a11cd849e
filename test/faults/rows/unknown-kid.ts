import { createSign, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createVerifier } from '@mintage/verifier'
import { second } from '../../../src/lib/durations.ts'
import { findFreePort, makeChildInstallation } from '../../support/child-installation.ts'
import { scrape } from '../../support/metrics.ts'
import { basic, post } from '../../support/oauth.ts'
import type { Fault } from '../fault.ts'

const audience = 'https://api.example'
const verifierCount = 50

export const unknownKid: Fault = {
  id: 'unknown-kid',
  name: 'unknown-`kid` flood at 50 verifiers',
  holds: '≤ 1 fetch per 30 s each',
  engines: ['SQLite'],
  async run({ quick }) {
    const adminPort = await findFreePort()
    const installation = await makeChildInstallation({
      environment: { MINTAGE_ADMIN_PORT: String(adminPort) },
    })
    const { issuer } = installation
    const verifiers = Array.from({ length: verifierCount }, () => createVerifier({ issuer, audience }))
    try {
      const { secret = '' } = await installation.prepare(async ({ apis, clients }) => {
        await apis.create(audience, { scopes: [] })
        return clients.create('service', false, { grants: ['client_credentials'] })
      })
      await installation.serve()
      await Promise.all(verifiers.map((verifier) => verifier.ready()))
      const client = basic({ id: 'service', secret })
      const { body } = await post(`${issuer}/oauth2/token`, { grant_type: 'client_credentials' }, client)
      const good = String(body['access_token'])
      const before = await countFetches(adminPort)
      const started = performance.now()
      const seconds = quick ? 6 : 95
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      let refused = 0
      let goodRefused = 0
      let accepted = 0
      const flood = async (verifier: (typeof verifiers)[number]) => {
        while (performance.now() - started < seconds * second) {
          const isAccepted = await verifier.verify(forge(good, privateKey)).then(
            () => true,
            () => false,
          )
          if (isAccepted) accepted++
          else refused++
          if (refused % 10 === 0) await verifier.verify(good).catch(() => goodRefused++)
          await delay(quick ? 20 : 50)
        }
      }
      await Promise.all(verifiers.map(flood))
      const fetches = (await countFetches(adminPort)) - before
      const allowed = verifierCount * Math.ceil(seconds / 30)
      return {
        figure:
          `${refused} tokens with unknown keys in ${seconds} s: ${fetches} fetches at the issuer (${allowed} allowed), ` +
          `${accepted} accepted, ${goodRefused} good ones refused`,
        ok: refused > 100 && fetches > 0 && fetches <= allowed && accepted + goodRefused === 0,
      }
    } finally {
      for (const verifier of verifiers) verifier.close()
      await installation.remove()
    }
  },
}

/** As the issuer counts them. */
async function countFetches(adminPort: number): Promise<number> {
  let count = 0
  for (const [name, value] of await scrape(`http://127.0.0.1:${adminPort}`)) {
    if (/^mintage_http_request_duration_seconds_count\{.*jwks/.test(name)) count += value
  }
  return count
}

/** The same claims under a key of nobody's, another each time; the signature is as good as it gets. */
function forge(token: string, key: KeyObject): string {
  const [, payload = ''] = token.split('.')
  const header = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: randomUUID() }))
  const signed = `${header.toString('base64url')}.${payload}`
  // Each signature would cost the flood more than it costs the verifiers.
  lastSignature ??= createSign('sha256').update(signed).sign(key, 'base64url')
  return `${signed}.${lastSignature}`
}

let lastSignature: string | undefined
