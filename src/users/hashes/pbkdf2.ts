import { pbkdf2Sync } from 'node:crypto'
import { equalsInConstantTime } from '../../lib/digests.ts'
import { defineFormat, exceed, type HashFormat } from './hash-format.ts'

interface Parts {
  readonly iterations: number
  readonly salt: string
  readonly key: Buffer
}

/** Some ten times what Django 6.0 does: seconds for one login. */
const mostIterations = 10_000_000

/** Django's `pbkdf2_sha256$iterations$salt$key`: PBKDF2 (RFC 8018 §5.2) over the text of the salt, the key in base64. */
function definePbkdf2(id: string, digest: 'sha256' | 'sha1', length: number): HashFormat {
  const pattern = new RegExp(`^${id}\\$(\\d{1,15})\\$([^$\\p{Cc}\\p{Cs}]+)\\$([A-Za-z0-9+/]+={0,2})$`, 'u')
  return defineFormat<Parts>({
    id,
    parse(encoded) {
      const [, iterations, salt, text] = pattern.exec(encoded) ?? []
      if (iterations === undefined || salt === undefined || text === undefined) return undefined
      const key = Buffer.from(text, 'base64')
      return key.length === length ? { iterations: Number(iterations), salt, key } : undefined
    },
    findExcess: ({ iterations }) => exceed('its iterations are', iterations, 1, mostIterations),
    matches(password, { iterations, salt, key }) {
      return equalsInConstantTime(pbkdf2Sync(password, salt, iterations, length, digest), key)
    },
    work: ({ iterations }) => `${id} ${iterations}`,
  })
}

export const pbkdf2Sha256 = definePbkdf2('pbkdf2_sha256', 'sha256', 32)
export const pbkdf2Sha1 = definePbkdf2('pbkdf2_sha1', 'sha1', 20)
