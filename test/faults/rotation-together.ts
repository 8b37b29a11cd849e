import { verify } from 'node:crypto'
import { KeyRing } from '../../src/keys/key-ring.ts'
import type { KeyPolicy } from '../../src/keys/schedule.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { day, hour, minute } from '../../src/lib/durations.ts'
import { openStore } from '../../src/store/store.ts'
import { makePlace, type PlaceOptions } from './rotation-place.ts'

/** What came of it. */
export interface TogetherFigures {
  readonly rotations: number
  readonly nodes: number
  readonly seconds: number
  /** How many keys began to sign, the first one left out: as many as rotations. */
  readonly keysActivated: number
  /** Rotations after which the nodes did not name one key, the one that was next. */
  readonly disagreements: number
  /** Signatures of each node, held against the JWKS of each. */
  readonly verifications: number
  readonly signaturesThatFailed: number
  readonly orphans: number
  readonly errors: readonly string[]
}

const policy: KeyPolicy = {
  rotation: 365 * day,
  bits: 2048,
  jwksMaxAge: 5 * minute,
  tokenLife: 15 * minute,
  sessionIdle: 7 * day,
}

/**
 * Nodes with connections of their own rotate the keys at the same moment, again and again; a clock that is set forward
 * lets each next key come of age at once.
 */
export async function rotateTogether(
  rotations: number,
  nodes: number,
  options: PlaceOptions,
): Promise<TogetherFigures> {
  const place = await makePlace(options)
  const started = performance.now()
  let now = 1_700_000_000_000
  const clock: Clock = { now: () => now }
  const errors: string[] = []
  let activated = 0
  const openNode = async () => {
    const store = await openStore({
      url: place.databaseUrl,
      clock,
      onEvent: ({ type }) => {
        if (type === 'key.activated') activated++
      },
    })
    const onError = (error: unknown) => errors.push(String(error))
    return {
      store,
      ring: await KeyRing.open({ store, vault: place.openVault(store), policy, clock, onError }),
    }
  }
  const running = await Promise.all(Array.from({ length: nodes }, openNode))
  let disagreements = 0
  let verifications = 0
  let failed = 0
  try {
    for (let round = 0; round < rotations; round++) {
      now += hour
      const before = (await running[0]?.store.keys.read())?.keys.find((key) => key.state === 'next')?.kid
      const outcomes = await Promise.all(
        running.map(({ ring }) => ring.rotate().catch((error: unknown) => String(error))),
      )
      const named = outcomes.map((each) =>
        typeof each === 'string' || each.kind !== 'rotated' ? each : each.kid,
      )
      if (named.some((kid) => kid !== before)) {
        disagreements++
        errors.push(JSON.stringify(named))
      }
      const message = `round ${round}`
      for (const { ring } of running) {
        const signer = await ring.signer(policy.tokenLife)
        const signature = await signer.sign(message)
        for (const other of running) {
          verifications++
          const key = other.ring.publicKey(signer.kid)
          if (!key || !verify('sha256', Buffer.from(message), key, signature)) failed++
        }
      }
    }
    // What was retired long ago is withdrawn, and deleted from the vault.
    for (const { ring } of running) await ring.tick()
  } finally {
    for (const { ring, store } of running) {
      await ring.close()
      await store.close()
    }
  }
  const orphans = await place.countOrphans()
  await place.remove()
  return {
    rotations,
    nodes,
    seconds: Math.round((performance.now() - started) / 1_000),
    keysActivated: activated - 1,
    disagreements,
    verifications,
    signaturesThatFailed: failed,
    orphans,
    errors: errors.slice(0, 10),
  }
}
