import type { DrfJwtPackage } from '../../../clients/django-settings.ts'

/** What one package of djangorestframework-jwt's name says where the other one says it otherwise. */
export interface DrfJwtWords {
  /** Of a good answer. */
  readonly status: 200 | 201
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
