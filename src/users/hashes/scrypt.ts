import { type BinaryLike, scryptSync } from 'node:crypto'
import { equalsInConstantTime } from '../../lib/digests.ts'
import { defineFormat, exceed } from './hash-format.ts'

/** The parameters of scrypt (RFC 7914 §2). */
export interface ScryptCost {
  /** The CPU and memory cost `N`: a power of two. */
  readonly cost: number
  readonly blockSize: number
  readonly parallelization: number
}

interface Parts extends ScryptCost {
  readonly salt: BinaryLike
  readonly key: Buffer
}

/** In bytes: what one login may take of the memory, sixteen times as much as Django's default. */
const mostMemory = 268_435_456
/** Of `N × r × p`: seconds for one login. */
const mostBlocks = 2 ** 23

/** What is too much in the parameters; undefined when a login can do it. */
export function findScryptExcess({ cost, blockSize, parallelization }: ScryptCost): string | undefined {
  if (!Number.isInteger(Math.log2(cost)) || cost < 2) return 'its cost N is no power of two'
  if (Math.log2(cost) >= 16 * blockSize) return 'its cost N is past what its block size allows (RFC 7914 §2)'
  return (
    exceed('its block size is', blockSize, 1, 64) ??
    exceed('its parallelization is', parallelization, 1, 64) ??
    exceed('its cost N is', cost, 2, Math.floor(mostMemory / 128 / blockSize)) ??
    exceed('N × r × p is', cost * blockSize * parallelization, 2, mostBlocks)
  )
}

/** @param length of the key, in bytes. */
export function deriveScryptKey(
  password: string,
  salt: BinaryLike,
  length: number,
  cost: ScryptCost,
): Buffer {
  // OpenSSL counts some blocks more than the formula of the RFC does.
  return scryptSync(password, salt, length, { ...cost, maxmem: 2 * mostMemory })
}

export function describeScryptWork({ cost, blockSize, parallelization }: ScryptCost): string {
  return `scrypt ${cost} ${blockSize} ${parallelization}`
}

const django =
  /^scrypt\$(?<n>\d{1,10})\$(?<salt>[^$\p{Cc}\p{Cs}]+)\$(?<r>\d{1,5})\$(?<p>\d{1,5})\$(?<key>[A-Za-z0-9+/]{86}==)$/u
const phc =
  /^\$scrypt\$ln=(?<ln>\d{1,2}),r=(?<r>\d{1,5}),p=(?<p>\d{1,5})\$(?<salt>[A-Za-z0-9+/]*)\$(?<key>[A-Za-z0-9+/]{22,})$/

/**
 * Django's `scrypt$N$salt$r$p$key`, where the salt is a text as it stands, and the PHC string
 * `$scrypt$ln=…,r=…,p=…$salt$key` with both in base64, as passlib writes it.
 */
export const scrypt = defineFormat<Parts>({
  id: 'scrypt',
  parse(encoded) {
    const { n, ln, r, p, salt = '', key = '' } = (django.exec(encoded) ?? phc.exec(encoded))?.groups ?? {}
    if (r === undefined) return undefined
    return {
      cost: n === undefined ? 2 ** Number(ln) : Number(n),
      blockSize: Number(r),
      parallelization: Number(p),
      salt: n === undefined ? Buffer.from(salt, 'base64') : salt,
      key: Buffer.from(key, 'base64'),
    }
  },
  findExcess: findScryptExcess,
  matches(password, { salt, key, ...cost }) {
    return equalsInConstantTime(deriveScryptKey(password, salt, key.length, cost), key)
  },
  work: describeScryptWork,
})
