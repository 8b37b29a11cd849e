import type { BrowserContext, Page } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { password } from '../support/in-process-issuer.ts'
import type { Laboratory } from './laboratory.ts'
import { friendlyHost, ownHost } from './sites.ts'

/** One thing that was tried, what was seen, and whether that is as it should be. */
export interface Observation {
  readonly tried: string
  readonly seen: string
  readonly good: boolean
}

type Format = 'oauth' | 'simplejwt'

/** What every token of Mintage looks like: a JWT, or a refresh token of the core. */
const tokenLike = /eyJ[\w-]+\.[\w-]+|mrt_/

/** A person with a browser: logs in, reloads, comes back when the access token has expired, logs out. */
export async function liveThroughSession(
  laboratory: Laboratory,
  format: Format,
): Promise<readonly Observation[]> {
  const { browser, sites, page, tab } = laboratory
  const seen: Observation[] = []
  const note = (tried: string, what: unknown, good: boolean) => {
    const text = typeof what === 'string' ? what : JSON.stringify(what)
    seen.push({ tried: `${format}: ${tried}`, seen: text, good })
  }
  sites.takeAnswers()
  const orders = (on: Page, method = 'GET') =>
    on.evaluate<{ status: number; refreshed: boolean }>(`orders('${format}', '${method}')`)

  await page.goto(`https://${ownHost}/`)
  note('orders before the login', await orders(page), (await orders(page)).status === 401)
  const login = await page.evaluate<{ status: number; text: string }>(
    `formats.${format}.logIn('ada', ${JSON.stringify(password)})`,
  )
  note('log in', `${login.status} ${login.text}`, login.status === 200 && !tokenLike.test(login.text))
  const kept = await cookiesOf(browser)
  const wanted = kept.every(({ httpOnly, secure, sameSite }) => httpOnly && secure && sameSite === 'Strict')
  note('what the browser keeps', kept.map(describeCookie).join('; '), wanted && kept.length === 2)
  const readable = await page.evaluate<object>('readable()')
  note(
    'what a script can read',
    readable,
    Object.values(readable).every((value) => !value),
  )
  const after = await orders(page)
  note('orders', after, after.status === 200)
  await page.reload()
  const reloaded = await orders(page, 'POST')
  note('reload, then order', reloaded, reloaded.status === 200)

  const expired = await eventually(
    () => orders(page),
    (answer) => answer.refreshed,
    30_000,
  )
  note('wait until the access token expires', expired, expired.status === 200 && expired.refreshed)
  await tab.goto(`https://${ownHost}/`)
  const both = await Promise.all(
    [page, tab].map((each) => each.evaluate<{ status: number }>(`formats.${format}.refresh()`)),
  )
  const statuses = both.map(({ status }) => status)
  const still = await orders(tab)
  note(
    'two tabs refresh at once',
    `${statuses.join(' and ')}; orders ${still.status}`,
    statuses.join() === '200,200' && still.status === 200,
  )

  const out = await page.evaluate<{ status: number }>(`formats.${format}.logOut()`)
  const left = await cookiesOf(browser)
  const dead = await orders(tab)
  note(
    'log out',
    `${out.status}; ${left.length} cookies; orders of the other tab ${dead.status}`,
    out.status === 200 && left.length === 0 && dead.status === 401,
  )
  const answers = sites.takeAnswers()
  const leaks = answers.filter((answer) => tokenLike.test(answer)).length
  note(
    'tokens in all answers but Set-Cookie',
    `${leaks} of ${answers.length}`,
    answers.length > 8 && leaks === 0,
  )
  return seen
}

/** The application on a host of its own, on the same site, which is listed. */
export async function useListedOrigin({ page }: Laboratory): Promise<readonly Observation[]> {
  await page.goto(`https://${friendlyHost}/`)
  const run = async (code: string) =>
    (await page.evaluate<{ status: number }>(`formats.oauth.${code}`)).status
  const statuses = [
    await run(`logIn('ada', ${JSON.stringify(password)})`),
    await run('refresh()'),
    await run('logOut()'),
  ]
  const seen = statuses.join(', ')
  return [
    { tried: `${friendlyHost}, listed: log in, refresh, log out`, seen, good: seen === '200, 200, 200' },
  ]
}

async function cookiesOf(browser: BrowserContext) {
  return (await browser.cookies()).filter(({ domain }) => domain === ownHost)
}

function describeCookie({ name, path, sameSite }: { name: string; path: string; sameSite?: string }): string {
  return `${name} ${path} ${sameSite}`
}
