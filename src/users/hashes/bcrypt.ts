import { compareSync } from 'bcryptjs'
import { defineFormat, exceed, leastBcryptCost, mostBcryptCost } from './hash-format.ts'

interface Parts {
  readonly hash: string
  readonly cost: number
}

/**
 * Plain bcrypt, as most languages write it (`$2a$`, `$2b$`, `$2y$`), and Django's `bcrypt$`, which stands before such a
 * text. A password counts to its 72nd byte, as it did where the hash was made; what replaces it at login has no such end.
 */
export const bcrypt = defineFormat<Parts>({
  id: 'bcrypt',
  parse(encoded) {
    const [, hash, cost] = /^(?:bcrypt\$)?(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/.exec(encoded) ?? []
    return hash === undefined || cost === undefined ? undefined : { hash, cost: Number(cost) }
  },
  findExcess: ({ cost }) => exceed('its cost is', cost, leastBcryptCost, mostBcryptCost),
  matches: (password, { hash }) => compareSync(password, hash),
  work: ({ cost }) => 2 ** cost,
})
