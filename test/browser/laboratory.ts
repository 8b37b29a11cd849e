import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { audience, openTestIssuer, password, type TestIssuer } from '../support/in-process-issuer.ts'
import { startOrders } from './orders-service.ts'
import { friendlyHost, ownHost, type Sites, startSites } from './sites.ts'

export interface Laboratory {
  readonly issuer: TestIssuer
  readonly sites: Sites
  readonly browser: BrowserContext
  /** Two pages for all: Debian's Chromium opens no further one once another was closed. */
  readonly page: Page
  readonly tab: Page
  /** How many orders the service has taken. */
  ordered(): number
  close(): Promise<void>
}

/** Seconds. Short, for the browser is to see access tokens expire. */
export const accessTokenLife = 6

const options = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * A profile of its own, which lets foreign pages send cookies along: a browser that never does would hide whether the
 * attacks with them are warded off by anything else.
 */
function makeProfile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-browser-'))
  mkdirSync(join(directory, 'Default'))
  const preferences = { profile: { block_third_party_cookies: false, cookie_controls_mode: 0 } }
  writeFileSync(join(directory, 'Default', 'Preferences'), JSON.stringify(preferences))
  return directory
}

/** An issuer, a service, their reverse proxy, and a browser that finds every `.example` host there. */
export async function openLaboratory(): Promise<Laboratory> {
  const issuer = await openTestIssuer({
    issuer: `https://${ownHost}`,
    environment: { MINTAGE_CORS_ORIGINS: `https://${friendlyHost}`, MINTAGE_SIMPLEJWT_CLIENT: 'web' },
  })
  await issuer.administration.users.create('mallory', { password })
  await issuer.administration.clients.create('web', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
    cookies: 'strict',
    accessTokenTtl: accessTokenLife * 1_000,
  })
  const orders = await startOrders(issuer.url)
  const sites = await startSites({ issuer: issuer.url, orders: orders.url })
  const profile = makeProfile()
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    chromiumSandbox: false,
    // Nobody trusts the certificate of the hosts.
    ignoreHTTPSErrors: true,
    args: [...options, `--host-resolver-rules=MAP *.example 127.0.0.1:${sites.port}`],
  })
  const [page = await browser.newPage()] = browser.pages()
  const tab = await browser.newPage()
  return {
    issuer,
    sites,
    browser,
    page,
    tab,
    ordered: orders.ordered,
    async close() {
      await browser.close()
      rmSync(profile, { recursive: true, force: true })
      await sites.close()
      await orders.close()
      await issuer.stop()
    },
  }
}
