import type { Page } from 'playwright-core'
import { password } from '../support/in-process-issuer.ts'
import { decodeClaims } from '../support/oauth.ts'
import type { Laboratory } from './laboratory.ts'
import { shops } from './sites.ts'

/** What an attack came to. */
export interface Outcome {
  readonly target: string
  readonly way: string
  readonly attacker: string
  readonly shop: string
  /** The browser's cookies, the user's session or the number of orders is another one afterwards. */
  readonly works: boolean
  /** What the shop answered, and whether the browser sent cookies along; undefined when nothing arrived. */
  readonly answer: string
}

const targets = {
  'log the victim in as the attacker': {
    path: '/oauth2/token',
    fields: { client_id: 'web', grant_type: 'password', username: 'mallory', password },
  },
  'refresh the session': { path: '/oauth2/token', fields: { client_id: 'web', grant_type: 'refresh_token' } },
  'end the session': { path: '/oauth2/revoke', fields: { client_id: 'web' } },
  'order in the name of the victim': { path: '/orders', fields: { amount: '1000' } },
} as const

type Fields = Readonly<Record<string, string>>
type Way = (page: Page, url: string, fields: Fields) => Promise<void>

const call = (name: string, ...values: readonly unknown[]) =>
  `attacks.${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`

/** A form leaves the page: the attack is over when the browser has left. */
async function leave(page: Page, code: string): Promise<void> {
  const left = page.waitForEvent('framenavigated', {
    predicate: (frame) => frame === page.mainFrame(),
    timeout: 20_000,
  })
  await page.evaluate(code)
  await left
}

const ways: Readonly<Record<string, Way>> = {
  form: (page, url, fields) => leave(page, call('form', url, fields)),
  'form in a sandbox': (page, url, fields) => leave(page, call('sandbox', url, fields)),
  'fetch no-cors': async (page, url, fields) => {
    await page.evaluate(call('script', 'no-cors', url, fields))
  },
  'fetch cors': async (page, url, fields) => {
    await page.evaluate(call('script', 'cors', url, fields))
  },
}

/** Tries everything on every shop, from a page of another site and from another page of the shop's own. */
export async function attackEverything(laboratory: Laboratory): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  const { sites, tab: victim, page } = laboratory
  for (const shop of Object.keys(shops)) {
    await victim.goto(`https://${shop}/`)
    let before = ''
    for (const [kind, host] of Object.entries({
      'another site': 'evil.example',
      'a sibling host': `blog.${shop}`,
    })) {
      for (const [target, { path, fields }] of Object.entries(targets)) {
        for (const [way, attack] of Object.entries(ways)) {
          // What had no effect leaves the session as it was, for the next one to try.
          if ((await snapshot(laboratory, shop)) !== before || before === '') {
            await logIn(victim)
            before = await snapshot(laboratory, shop)
          }
          await page.goto(`https://${host}/`)
          sites.forget()
          await attack(page, `https://${shop}${path}`, fields)
          const after = await snapshot(laboratory, shop)
          const seen = sites.last()
          const answer = seen
            ? `${seen.status}${seen.hasCookie ? ', cookie sent' : ', no cookie'}`
            : 'not sent'
          outcomes.push({ target, way, attacker: kind, shop, works: after !== before, answer })
        }
      }
    }
  }
  return outcomes
}

async function logIn(victim: Page): Promise<void> {
  const code = `formats.oauth.logIn('ada', ${JSON.stringify(password)})`
  const { status, text } = await victim.evaluate<{ status: number; text: string }>(code)
  if (status !== 200) throw new Error(`The victim cannot log in: ${status} ${text}`)
}

/** All that an attack could change. */
async function snapshot({ browser, issuer, ordered }: Laboratory, shop: string): Promise<string> {
  const cookies = (await browser.cookies(`https://${shop}/oauth2/token`)).map(({ name, value }) => [
    name,
    value,
  ])
  const access = cookies.find(([name]) => name === '__Host-web-access')?.[1]
  const sid = access && decodeClaims(access)['sid']
  const session = typeof sid === 'string' ? await issuer.store.sessions.findBySid(sid) : undefined
  return JSON.stringify([cookies, session?.generation, session?.endedAt, ordered()])
}
