import type { ClientRecord } from '../../clients/client-directory.ts'
import { djangoSettings } from '../../clients/django-settings.ts'
import type { Counting } from '../../sessions/refresh-decision.ts'

/** How often a refresh token counts for a client: `ROTATE_REFRESH_TOKENS` and `BLACKLIST_AFTER_ROTATION`. */
export function countingFor(client: ClientRecord): Counting {
  const { rotateRefreshTokens, blacklistAfterRotation } = djangoSettings(client)
  if (!rotateRefreshTokens) return 'always'
  return blacklistAfterRotation ? 'once' : 'until_expiry'
}
