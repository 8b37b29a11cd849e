import type { DrfJwtPackage } from '../../../clients/django-settings.ts'

/** What one package of djangorestframework-jwt's name says where the other one says it otherwise. */
export interface DrfJwtWords {
  /** Of a good answer. */
  readonly status: 200 | 201
  /** Whether `OPTIONS` tells of the token that a login gives. */
  readonly showsToken: boolean
  /** What `OPTIONS` says of refreshing and verifying. */
  readonly refreshing: string
  readonly verifying: string
  /** Whether answers hold the time of issue as `pk`. */
  readonly tellsIssueTime: boolean
  /** Whether tokens hold the user's e-mail address. */
  readonly tellsEmail: boolean
  /** Whether a refreshed token tells the `jti` of the first. */
  readonly tellsFirstId: boolean
  readonly expired: string
  readonly undecodable: string
  readonly invalid: string
  readonly revoked: string
  readonly withoutIssueTime: string
}

/** `rest_framework_jwt/serializers.py` and `utils.py` of djangorestframework-jwt 1.11 and drf-jwt 1.19. */
export const drfJwtWords: Readonly<Record<DrfJwtPackage, DrfJwtWords>> = {
  'djangorestframework-jwt': {
    status: 200,
    showsToken: false,
    refreshing:
      'API View that returns a refreshed token (with new expiration) based on\n' +
      "existing token\n\nIf 'orig_iat' field (original issued-at-time) is found, will first check\n" +
      "if it's within expiration window, then copy it to the new token",
    verifying: 'API View that checks the veracity of a token, returning the token if it\nis valid.',
    tellsIssueTime: false,
    tellsEmail: true,
    tellsFirstId: false,
    expired: 'Signature has expired.',
    undecodable: 'Error decoding signature.',
    invalid: 'Invalid payload.',
    // It has no such thing; its clients take this for a token that is none.
    revoked: 'Error decoding signature.',
    withoutIssueTime: 'orig_iat field is required.',
  },
  'drf-jwt': {
    status: 201,
    showsToken: true,
    refreshing:
      'API View that returns a refreshed token (with new expiration) based on\n' +
      "existing token\n\nIf 'orig_iat' field (original issued-at-time) is found it will first check\n" +
      "if it's within expiration window, then copy it to the new token.",
    verifying: 'API View that checks the validity of a token, returning the token if it\nis valid.',
    tellsIssueTime: true,
    tellsEmail: false,
    tellsFirstId: true,
    expired: 'Token has expired.',
    undecodable: 'Error decoding token.',
    invalid: 'Invalid token.',
    revoked: 'Token is blacklisted.',
    withoutIssueTime: 'orig_iat field not found in token.',
  },
}
