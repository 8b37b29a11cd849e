import type { Config } from '../config.ts'
import type { KeyPolicy } from '../keys/schedule.ts'
import type { HashPoolOptions } from '../users/hash-pool.ts'

/** How the configuration wants the key ring to turn. */
export function keyPolicy(config: Config): KeyPolicy {
  return {
    rotation: config.keyRotation,
    bits: config.keyBits,
    jwksMaxAge: config.jwksMaxAge,
    tokenLife: config.accessTokenTtl,
    sessionIdle: config.sessionIdleTtl,
  }
}

/** Streams stay open, and strangers open them: some connections are left for everybody else. */
export function streamPlaces({ streamSubscribers, maxConnections }: Config): number {
  return Math.min(streamSubscribers, Math.max(1, Math.floor(maxConnections * 0.8)))
}

/** How much hashing there is room for. */
export function hashPolicy(config: Config): HashPoolOptions {
  return { cost: config.bcryptCost, threads: config.hashThreads, queue: config.hashQueue }
}
