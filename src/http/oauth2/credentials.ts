import type { ClientCredentials } from '../../clients/client-authentication.ts'
import { InvalidClientError, InvalidRequestError } from '../../protocol/errors.ts'
import { decode } from './parameters.ts'

/**
 * How the client identifies itself: HTTP Basic, or the body (RFC 6749 §2.3.1); undefined when it does not.
 * @throws {InvalidRequestError} when it does so in two ways at once.
 * @throws {InvalidClientError} when the `Authorization` header is no good Basic credentials.
 */
export function readCredentials(
  authorization: string | undefined,
  parameters: ReadonlyMap<string, string>,
): ClientCredentials | undefined {
  const clientId = parameters.get('client_id')
  const secret = parameters.get('client_secret')
  if (authorization === undefined) {
    if (clientId !== undefined) return { clientId, secret }
    if (secret !== undefined) throw new InvalidRequestError('A client_secret needs its client_id.')
    return undefined
  }
  const credentials = readBasic(authorization)
  if (secret !== undefined) throw new InvalidRequestError('Use one way of client authentication, not two.')
  if (clientId !== undefined && clientId !== credentials.clientId) {
    throw new InvalidRequestError('The client_id differs from the one of the Authorization header.')
  }
  return credentials
}

/** RFC 7617 §2, with both parts form-encoded inside (RFC 6749 §2.3.1). */
function readBasic(authorization: string): ClientCredentials {
  const match = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(authorization)
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) throw new InvalidClientError('The Authorization header holds no Basic credentials.')
  try {
    const secret = decode(text.slice(colon + 1))
    return { clientId: decode(text.slice(0, colon)), secret: secret === '' ? undefined : secret }
  } catch (cause) {
    throw new InvalidClientError('The Basic credentials are not form-encoded.', { cause })
  }
}
