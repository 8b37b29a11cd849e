import { type Logger, pino } from 'pino'
import type { Event, EventSink } from './event.ts'

export type { Logger } from 'pino'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What is kept of a log that cannot be written now, in bytes; lines beyond are lost. */
const mostUnwritten = 1_048_576

/** One JSON object a line on stdout, or on `descriptor`. Values are escaped, so nothing in them can forge a line. */
export function createLogger(level: LogLevel, descriptor: 1 | 2 = 1): Logger {
  const destination = pino.destination({ dest: descriptor, sync: true, maxLength: mostUnwritten })
  // A log that cannot be written, on a full disk say, must not take the issuer with it.
  destination.on('error', () => undefined)
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: describeError } },
    destination,
  )
}

/** What an operator should look at, though the request was answered as it should be. */
const warnings: ReadonlySet<Event['type']> = new Set([
  'session.adopted',
  'session.reused',
  'session.foreign_client',
  'key.revoked',
  'mac_key.revoked',
  'database.recovered',
])

/** Turns each event into its log line. */
export function logEvents(logger: Logger): EventSink {
  return ({ type, ...data }) => {
    logger[warnings.has(type) ? 'warn' : 'info']({ event: type, ...data })
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
