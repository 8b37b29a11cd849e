import { chooseTarget, grantScopes } from '../apis/target.ts'
import { InvalidGrantError, InvalidRequestError } from '../protocol/errors.ts'
import type { SessionService } from '../sessions/session-service.ts'
import type { Authorization } from '../tokens/authorization.ts'
import type { UserAuthentication } from '../users/user-authentication.ts'
import type { Grant, GrantRequest } from './grant.ts'

/**
 * A user's name and password (RFC 6749 §4.3). RFC 9700 §2.4 forbids it in general; here it is off for every client
 * that was not given it, and meant for first-party ones.
 */
export class PasswordGrant implements Grant {
  readonly type = 'password'
  readonly #users: UserAuthentication
  readonly #sessions: SessionService

  constructor(users: UserAuthentication, sessions: SessionService) {
    this.#users = users
    this.#sessions = sessions
  }

  async authorize(request: GrantRequest): Promise<Authorization> {
    const { client, parameters, loginName, network, signal } = request
    const username = parameters.get('username')
    const password = parameters.get('password')
    if (username === undefined || password === undefined) {
      throw new InvalidRequestError('The password grant needs username and password.')
    }
    const target = chooseTarget(request.targets, request.resource, request.scopes)
    const scopes = grantScopes(target, request.scopes)
    const attempt = { by: loginName, network, signal }
    const user = await this.#users.authenticate(username, password, client.clientId, attempt)
    if (!user) throw new InvalidGrantError('The user name or password is wrong.')
    return {
      grant: 'password',
      client,
      target,
      scopes,
      subject: {
        kind: 'user',
        id: user.id,
        username: user.username,
        email: user.email,
        claims: user.claims,
        open: () => this.#sessions.start(client, user, scopes, target.audience),
      },
    }
  }
}
