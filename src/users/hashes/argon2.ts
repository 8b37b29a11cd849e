import { defineFormat, exceed } from './hash-format.ts'

interface Parts {
  /** In the form of the Password Hashing Competition. */
  readonly phc: string
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly lanes: number
}

/** In KiB: what one login may take of the memory, two and a half times as much as Django's default. */
const mostMemory = 262_144
/** KiB, over all passes: seconds for one login. */
const mostMemoryInAll = 4_194_304
const mostLanes = 64

const pattern =
  /^(?:argon2)?(\$argon2(?:id|i)(?:\$v=(?:16|19))?\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,10})\$([A-Za-z0-9+/]{11,})\$([A-Za-z0-9+/]{6,}))$/

/**
 * Argon2i and Argon2id (RFC 9106) as PHC strings, with Django's `argon2` before them or without. The library has its code
 * for each platform in the package, and is loaded with the first such login.
 */
export const argon2 = defineFormat<Parts>({
  id: 'argon2',
  parse(encoded) {
    const [, phc, memory, passes, lanes, salt = '', hash = ''] = pattern.exec(encoded) ?? []
    // The last of them is six bits of a byte that was cut off.
    const isCut = salt.length % 4 === 1 || hash.length % 4 === 1
    return phc === undefined || isCut
      ? undefined
      : { phc, memory: Number(memory), passes: Number(passes), lanes: Number(lanes) }
  },
  findExcess({ memory, passes, lanes }) {
    return (
      exceed('its lanes are', lanes, 1, mostLanes) ??
      exceed('its memory in KiB is', memory, 8 * lanes, mostMemory) ??
      exceed('its passes are', passes, 1, Math.floor(mostMemoryInAll / memory))
    )
  },
  async matches(password, { phc }) {
    const { verifySync } = await import('@node-rs/argon2')
    try {
      return verifySync(phc, password)
    } catch {
      // Not whole: the pattern cannot tell what base64 the library takes.
      return false
    }
  },
  work: ({ memory, passes, lanes }) => `argon2 ${memory} ${passes} ${lanes}`,
})
