import type { ClientDirectory } from '../../clients/client-directory.ts'
import type { Logger } from '../../events/log.ts'
import type { GrantPipeline } from '../../grants/pipeline.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ForeignExchange } from '../../sessions/foreign-exchange.ts'
import type { SessionService } from '../../sessions/session-service.ts'
import type { ForeignTokens } from '../../tokens/foreign-tokens.ts'
import type { Introspection } from '../../tokens/introspection.ts'
import type { Mint } from '../../tokens/mint.ts'
import type { Revocation } from '../../tokens/revocation.ts'
import type { ClientNetworks } from '../client-network.ts'
import type { TokenCookies } from '../cookies/token-cookies.ts'

/** The core, of which the Django wire formats are presentations. */
export interface DjangoServices {
  readonly clients: ClientDirectory
  readonly pipeline: GrantPipeline
  readonly mint: Mint
  readonly sessions: SessionService
  readonly exchanges: ForeignExchange
  /** Those of the project that was the issuer before; undefined where there is none whose key counts. */
  readonly foreignTokens: ForeignTokens | undefined
  readonly introspection: Introspection
  readonly revocation: Revocation
  readonly clock: Clock
  readonly logger: Logger
  readonly cookies: TokenCookies
  readonly networks: ClientNetworks
}
