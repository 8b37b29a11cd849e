import type { ClientDirectory } from '../../clients/client-directory.ts'
import type { Logger } from '../../events/log.ts'
import type { GrantPipeline } from '../../grants/pipeline.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SessionService } from '../../sessions/session-service.ts'
import type { Introspection } from '../../tokens/introspection.ts'
import type { Mint } from '../../tokens/mint.ts'
import type { Revocation } from '../../tokens/revocation.ts'

/** The core, of which the Django wire formats are presentations. */
export interface DjangoServices {
  readonly clients: ClientDirectory
  readonly pipeline: GrantPipeline
  readonly mint: Mint
  readonly sessions: SessionService
  readonly introspection: Introspection
  readonly revocation: Revocation
  readonly clock: Clock
  readonly logger: Logger
}
