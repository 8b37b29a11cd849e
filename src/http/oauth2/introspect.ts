import type { Context } from 'koa'
import type { ClientAuthentication } from '../../clients/client-authentication.ts'
import { InvalidRequestError } from '../../protocol/errors.ts'
import type { Introspection } from '../../tokens/introspection.ts'
import type { ClientNetworks } from '../client-network.ts'
import { answerJson } from '../json-answer.ts'
import { readCredentials } from './credentials.ts'
import { readParameters } from './parameters.ts'

/** `POST /oauth2/introspect` (RFC 7662). */
export function introspectionEndpoint(
  clients: ClientAuthentication,
  introspection: Introspection,
  networks: ClientNetworks,
): (context: Context) => Promise<void> {
  return async (context) => {
    const parameters = readParameters(context)
    const credentials = readCredentials(context.headers.authorization, parameters)
    const caller = await clients.authenticateConfidential(credentials, networks.find(context.req))
    const token = parameters.get('token')
    if (token === undefined) throw new InvalidRequestError('The parameter token is missing.')
    answerJson(context, await introspection.introspect(token, caller))
  }
}
