import { type Logger, pino, symbols } from 'pino'
import type { Event, EventSink } from './event.ts'

export type { Logger } from 'pino'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What is kept of a log that cannot be written now, in bytes; lines beyond are lost. */
const mostUnwritten = 1_048_576

/** How much is gathered before it is written, in bytes. */
const mostGathered = 8_192

const gatherings = new Set<Gathering>()
process.on('exit', () => {
  for (const gathering of gatherings) gathering.end()
})

/**
 * Writes the lines of one turn of the event loop together, when it ends: a write of its own for each costs more than
 * all else of the line. Lines of a turn that the process does not survive are lost; what an audit needs is not here.
 */
class Gathering {
  readonly #destination: ReturnType<typeof pino.destination>

  constructor(destination: ReturnType<typeof pino.destination>) {
    this.#destination = destination
    // A log that cannot be written, on a full disk say, must not take the issuer with it.
    destination.on('error', () => undefined)
  }

  write(line: string): void {
    this.#destination.write(line)
    if (gatherings.has(this)) return
    gatherings.add(this)
    setImmediate(() => this.flush())
  }

  flush(): void {
    gatherings.delete(this)
    this.#destination.flush()
  }

  /** As {@link flush}, and waits for a destination that takes nothing now. */
  end(): void {
    try {
      this.#destination.flushSync()
    } catch {
      // There is nobody left to tell.
    }
  }
}

/**
 * What JSON lets stand and a terminal, an editor or a log shipper may obey: controls beyond ASCII, marks of direction
 * and others that nobody sees, and the line ends of Unicode.
 */
const obeyed = /[\x7f-\x9f\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const unusual = /[^\n -~]/

/** Escapes in a line of JSON what JSON itself does not ask to be escaped; it reads back to the same. */
function escapeObeyed(line: string): string {
  // Almost every line is plain ASCII, and looking for that is the quicker question.
  if (!unusual.test(line)) return line
  return line.replace(obeyed, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/**
 * What no value of a line may be called: no event has such a field, and one that a later hand adds by mistake shows
 * nothing.
 */
const secrets = [
  'password',
  'secret',
  'client_secret',
  'token',
  'access_token',
  'refresh_token',
  'authorization',
  'headers',
] as const

type Secret = (typeof secrets)[number]
type FieldOf<Each> = Each extends unknown ? keyof Each : never

/** Does not compile when an event has a field of such a name. */
const eventsTellNoSecret: Extract<FieldOf<Event>, Secret> extends never ? true : false = true

/** One JSON object a line on stdout, or on another descriptor or file. Values are escaped, so nothing in them can forge a line. */
export function createLogger(level: LogLevel, to: 1 | 2 | string = 1): Logger {
  const destination = new Gathering(
    pino.destination({ dest: to, sync: true, minLength: mostGathered, maxLength: mostUnwritten }),
  )
  return pino(
    {
      level,
      base: null,
      timestamp: tellTime(),
      serializers: { err: describeError },
      redact: [...secrets],
      hooks: { streamWrite: escapeObeyed },
    },
    destination,
  )
}

/** Where lines that other processes have formed go among the logger's own; they are written as they are. */
export function linesOf(logger: Logger): { write(lines: string): void } {
  return Reflect.get(logger, symbols.streamSym)
}

/** What an operator should look at, though the request was answered as it should be. */
const warnings: ReadonlySet<Event['type']> = new Set([
  'session.adopted',
  'session.reused',
  'session.foreign_client',
  'login.throttled',
  'client.throttled',
  'key.revoked',
  'mac_key.revoked',
  'vault.lost',
  'database.recovered',
])

/** The level of an event's line. */
export function levelOf(type: Event['type']): 'warn' | 'info' {
  return warnings.has(type) ? 'warn' : 'info'
}

/** Turns each event into its log line. */
export function logEvents(logger: Logger): EventSink {
  // Looking for secrets is half of what a line costs, and the compiler has looked already.
  const lines = eventsTellNoSecret ? logger.child({}, { redact: [] }) : logger
  return ({ type, ...data }) => lines[levelOf(type)]({ event: type, ...data })
}

/** The time as ISO 8601 says it, written once for all lines of a millisecond. */
function tellTime(): () => string {
  let last = Number.NaN
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== last) {
      last = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

interface ErrorDescription {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorDescription
}

/** An error without the properties that libraries hang on it, which may hold what was sent. */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  return {
    name: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  }
}
