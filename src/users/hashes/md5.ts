import { createHash } from 'node:crypto'
import { equalsInConstantTime } from '../../lib/digests.ts'
import { defineFormat } from './hash-format.ts'

interface Parts {
  readonly salt: string
  readonly digest: Buffer
}

/** Django's `md5$salt$digest`, which projects of long ago and test settings have: one MD5 of salt and password. */
export const md5 = defineFormat<Parts>({
  id: 'md5',
  parse(encoded) {
    const [, salt, digest] = /^md5\$([^$\p{Cc}\p{Cs}]*)\$([0-9a-f]{32})$/u.exec(encoded) ?? []
    return salt === undefined || digest === undefined
      ? undefined
      : { salt, digest: Buffer.from(digest, 'hex') }
  },
  findExcess: () => undefined,
  matches: (password, { salt, digest }) =>
    equalsInConstantTime(
      createHash('md5')
        .update(salt + password, 'utf8')
        .digest(),
      digest,
    ),
  work: () => 0,
})
