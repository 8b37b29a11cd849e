import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../events/log.ts'
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

/** Tells of each wire format whose client is none: its endpoints can do nothing until there is one. */
export async function warnOfMissingClients(
  { djangoClients }: Config,
  directory: ClientDirectory,
  logger: Logger,
): Promise<void> {
  const named = Object.entries({
    MINTAGE_SIMPLEJWT_CLIENT: djangoClients.simplejwt,
    MINTAGE_DRF_JWT_CLIENT: djangoClients.drfJwt,
    MINTAGE_PYJWT_CLIENT: djangoClients.pyjwt,
  })
  for (const [setting, clientId] of named) {
    if (clientId === undefined || (await directory.find(clientId))) continue
    const message =
      `${setting} is ${clientId}, but there is no such client, so its endpoints answer 503: correct the setting, or ` +
      `run mintage client create --id ${clientId} --public --grant password --grant refresh_token.`
    logger.warn({ event: 'config.warning', message })
  }
}

/** How much hashing there is room for. */
export function hashPolicy(config: Config): HashPoolOptions {
  return { cost: config.bcryptCost, threads: config.hashThreads, queue: config.hashQueue }
}
