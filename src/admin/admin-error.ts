import { OperatorError } from '../lib/operator-error.ts'
import { quote } from '../lib/quote.ts'

/** An administrative request that cannot be done as it was made; the message says what to do instead. */
export class AdminError extends OperatorError {
  override readonly name = 'AdminError'
}

/** What administration knows by name, and the command that shows the names. */
const lists = {
  API: 'mintage api list',
  client: 'mintage client list',
  key: 'mintage keys list --all',
  session: 'mintage session list',
  user: 'mintage user list',
} as const

/** An error for a thing that is not there. */
export function notFound(what: keyof typeof lists, name: string): AdminError {
  return new AdminError(`There is no ${what} ${quote(name)}; \`${lists[what]}\` shows them.`)
}
