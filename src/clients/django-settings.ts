import type { ClientRecord, DjangoSettings } from '../store/client-table.ts'

export { type DrfJwtPackage, drfJwtPackages } from '../store/client-table.ts'

/** What a client says, or the default; a cookie has none. */
type Settled = Required<Omit<DjangoSettings, 'authCookie'>> & Pick<DjangoSettings, 'authCookie'>

const defaults: Settled = {
  slidingTokens: false,
  rotateRefreshTokens: true,
  blacklistAfterRotation: true,
  usernameField: 'username',
  drfJwtPackage: 'djangorestframework-jwt',
}

/** What a client says of the Django wire formats, with the defaults where it says nothing. */
export function djangoSettings({ django }: Pick<ClientRecord, 'django'>): Settled {
  return { ...defaults, ...django }
}
