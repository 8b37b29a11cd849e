import type { Config } from '../config.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Clock } from '../lib/clock.ts'
import { type Gate, openGate } from '../limits/gate.ts'
import type { CounterHost } from '../limits/shared-counters.ts'
import { Throttle } from '../limits/throttle.ts'
import type { Store } from '../store/store.ts'
import type { Observation } from './observation.ts'

/** What stands before passwords and client secrets, and what is to be closed of it. */
export function openThrottle(
  config: Pick<Config, 'throttle'>,
  {
    observation: { metrics },
    keys,
    ...options
  }: {
    readonly store: Store
    readonly clock: Clock
    readonly keys: Pick<KeyRing, 'currentMacKey'>
    readonly onError: (error: unknown) => void
    readonly observation: Pick<Observation, 'metrics'>
    /** Counts for this process and others of its server. */
    readonly host: CounterHost | undefined
  },
): { readonly gate: Gate; readonly throttle: Throttle | undefined } {
  if (!config.throttle) return { gate: openGate, throttle: undefined }
  const throttle = new Throttle({
    ...options,
    // The nodes have it in common and it outlives them, and only who holds the vault can try names against a digest.
    secret: () => keys.currentMacKey(),
    onRefusal: (kind, by) => metrics?.add('mintage_throttle_refusals_total', 1, { kind, by }),
  })
  return { gate: throttle, throttle }
}
