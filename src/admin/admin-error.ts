import { OperatorError } from '../lib/operator-error.ts'

/** An administrative request that cannot be done as it was made; the message says what to do instead. */
export class AdminError extends OperatorError {
  override readonly name = 'AdminError'
}

/** An error for a thing that is not there. */
export function notFound(what: string, name: string): AdminError {
  return new AdminError(`There is no ${what} ${JSON.stringify(name)}.`)
}
