import type { ClientRecord, DjangoSettings } from '../store/client-table.ts'

const defaults: Required<DjangoSettings> = {
  slidingTokens: false,
  rotateRefreshTokens: true,
  blacklistAfterRotation: true,
  usernameField: 'username',
}

/** What a client says of the Django wire formats, with the defaults where it says nothing. */
export function djangoSettings({ django }: Pick<ClientRecord, 'django'>): Required<DjangoSettings> {
  return { ...defaults, ...django }
}
