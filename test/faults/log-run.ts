import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Event } from '../../src/events/event.ts'
import { createLogger, logEvents } from '../../src/events/log.ts'
import { startChildIssuer } from '../support/child-issuer.ts'
import { hostileText, isHarmless } from '../support/hostile-text.ts'
import { registerAccounts, serveEnvironment } from '../support/installation.ts'
import { basic, post } from '../support/oauth.ts'

/** What a log holds. Everything but `lines` and `events` is what must not be there. */
export interface LogFigures {
  readonly lines: number
  /** Lines by the event that they tell. */
  readonly events: Readonly<Record<string, number>>
  /** Lines that are no JSON object with an event. */
  readonly broken: number
  /** Lines with a character that something may obey. */
  readonly harmful: number
}

/** Writes so many events full of hostile text through the logger to a file, and reads it again. */
export async function logHostileEvents(lines: number): Promise<LogFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-log-'))
  const file = join(directory, 'log')
  try {
    const write = logEvents(createLogger('info', file))
    for (let index = 0; index < lines; index++) write(hostileEvent(index))
    return await inspectLog(createInterface({ input: createReadStream(file), crlfDelay: 0 }))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function hostileEvent(index: number): Event {
  const text = hostileText(index)
  switch (index % 4) {
    case 0:
      return { type: 'login.failed', reason: 'unknown', client: text, user: hostileText(index + 1) }
    case 1:
      return { type: 'client.authentication_failed', reason: 'unknown', client: text }
    case 2:
      return { type: 'user.created', user: text }
    default:
      return { type: 'session.foreign_client', sid: text, client: text, presentedBy: text }
  }
}

export interface RequestFigures extends LogFigures {
  /** How many logins and how many client authentications failed; each is an event. */
  readonly failedLogins: number
  readonly failedClients: number
}

/** Sends so many hostile names, client ids and headers to a server process, and reads what it has logged. */
export async function sendHostileRequests(rounds: number): Promise<RequestFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-log-'))
  const environment = {
    ...serveEnvironment(directory),
    MINTAGE_LOG_LEVEL: 'trace',
    // Each of them is to be looked at.
    MINTAGE_THROTTLE: 'off',
  }
  const { service } = await registerAccounts(environment)
  const issuer = await startChildIssuer(['serve'], environment)
  try {
    const token = `${issuer.url}/oauth2/token`
    let failedLogins = 0
    let failedClients = 0
    for (let round = 0; round < rounds; round++) {
      const text = hostileText(round * 7)
      const wellFormed = text.replace(/\p{Cs}/gu, '')
      // What stands in no header is refused before any header is read.
      const header = Buffer.from(wellFormed)
        .toString('latin1')
        .replace(/[^\x20-\x7e\x80-\xff]/g, '')
        .trim()
      const login = { grant_type: 'password', username: `x${wellFormed}`, password: 'wrong' }
      const refused = await post(token, login, {
        ...basic(service),
        'X-Request-Id': header,
        Forwarded: header,
      })
      if (refused.body['error'] === 'invalid_grant') failedLogins++
      const client = basic({ id: `x${wellFormed}`, secret: 'wrong' })
      const unknown = await post(token, { ...login, scope: wellFormed }, { ...client, 'User-Agent': header })
      if (unknown.body['error'] === 'invalid_client') failedClients++
    }
    await issuer.end()
    const figures = await inspectLog(issuer.output().replace(/\n$/, '').split('\n'))
    return { ...figures, failedLogins, failedClients }
  } finally {
    await issuer.end('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}

async function inspectLog(log: AsyncIterable<string> | Iterable<string>): Promise<LogFigures> {
  const events: Record<string, number> = {}
  let lines = 0
  let broken = 0
  let harmful = 0
  for await (const line of log) {
    lines++
    if (!isHarmless(line)) harmful++
    const event = eventOf(line)
    if (event === undefined) broken++
    else events[event] = (events[event] ?? 0) + 1
  }
  return { lines, events, broken, harmful }
}

function eventOf(line: string): string | undefined {
  try {
    const { event } = JSON.parse(line)
    return typeof event === 'string' ? event : undefined
  } catch {
    return undefined
  }
}
