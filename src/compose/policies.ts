import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Config } from '../config.ts'
import type { KeyPolicy } from '../keys/schedule.ts'

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

/** A sentence for each wire format whose client is none, which the operator should hear of. */
export async function findMissingClients(
  { djangoClients }: Config,
  directory: ClientDirectory,
): Promise<readonly string[]> {
  const named = Object.entries({ MINTAGE_SIMPLEJWT_CLIENT: djangoClients.simplejwt })
  const missing = await Promise.all(
    named.map(async ([setting, clientId]) => {
      if (clientId === undefined || (await directory.find(clientId))) return []
      return [
        `${setting} is ${clientId}, but there is no such client: its endpoints answer 503; run mintage client create --id ${clientId} --public --grant password --grant refresh_token, or correct the setting.`,
      ]
    }),
  )
  return missing.flat()
}
