/** What one check found, in one sentence; what is not well also says what to do. */
export interface Finding {
  readonly check: Check
  readonly status: 'ok' | 'warning' | 'failure'
  readonly message: string
}

export type Check =
  | 'configuration'
  | 'node'
  | 'sqlite'
  | 'database'
  | 'schema'
  | 'keys'
  | 'clock'
  | 'issuer'
  | 'port'
  | 'disk'
  | 'secrets'
  | 'passwords'

export const ok = (check: Check, message: string): Finding => ({ check, status: 'ok', message })
export const warning = (check: Check, message: string): Finding => ({ check, status: 'warning', message })
export const failure = (check: Check, message: string): Finding => ({ check, status: 'failure', message })

/** The words of an error, in one line and with a full stop at their end. */
export function sentenceOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim()
  return /[.!?]$/.test(text) ? text : `${text}.`
}
