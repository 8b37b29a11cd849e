import { OAuthError } from '../../protocol/errors.ts'

/** No page that may act for this client has sent the request, or nobody says which one did. */
export class CrossSiteRequestError extends OAuthError {
  override readonly name = 'CrossSiteRequestError'
  constructor() {
    super(
      'access_denied',
      'This client uses cookies, and the request comes from no page that may use them.',
      {
        status: 403,
      },
    )
  }
}

/** The request has two tokens where one counts. */
export class AmbiguousTokenError extends OAuthError {
  override readonly name = 'AmbiguousTokenError'
  constructor(description: string) {
    super('invalid_request', description)
  }
}
