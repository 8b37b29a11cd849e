import { createCipheriv } from 'node:crypto'
import { equalsInConstantTime } from '../../lib/digests.ts'
import { defineFormat } from './hash-format.ts'
import { deriveScryptKey, describeScryptWork, findScryptExcess, type ScryptCost } from './scrypt.ts'

interface Parts extends ScryptCost {
  readonly salt: Buffer
  readonly separator: Buffer
  readonly signer: Buffer
  readonly hash: Buffer
}

const base64 = '[A-Za-z0-9+/_-]+={0,2}'
const supabase = new RegExp(
  `^\\$fbscrypt\\$v=1,n=(?<ln>\\d{1,2}),r=(?<r>\\d{1,5}),p=(?<p>\\d{1,5})(?:,ss=(?<separator>${base64})?)?,sk=(?<signer>${base64})` +
    `\\$(?<salt>${base64})\\$(?<hash>${base64})$`,
)
const ory = new RegExp(
  `^\\$firescrypt\\$ln=(?<ln>\\d{1,2}),r=(?<r>\\d{1,5}),p=(?<p>\\d{1,5})` +
    `\\$(?<salt>${base64})\\$(?<hash>${base64})\\$(?<separator>${base64})?\\$(?<signer>${base64})$`,
)

/**
 * Firebase's modified scrypt: a key of the password encrypts the project's signer key (github.com/firebase/scrypt).
 * Firebase has no text that holds all of it; these two are what its users are told to write elsewhere:
 * `$fbscrypt$v=1,n=MEM_COST,r=ROUNDS,p=1,ss=SALT_SEPARATOR,sk=SIGNER_KEY$SALT$HASH` (Supabase) and
 * `$firescrypt$ln=MEM_COST,r=ROUNDS,p=1$SALT$HASH$SALT_SEPARATOR$SIGNER_KEY` (Ory), all in base64.
 */
export const firebaseScrypt = defineFormat<Parts>({
  id: 'firebase-scrypt',
  parse(encoded) {
    const groups = (supabase.exec(encoded) ?? ory.exec(encoded))?.groups
    if (!groups) return undefined
    const read = (name: string) => Buffer.from(groups[name] ?? '', 'base64')
    const parts = {
      cost: 2 ** Number(groups['ln']),
      blockSize: Number(groups['r']),
      parallelization: Number(groups['p']),
      ...{ salt: read('salt'), separator: read('separator'), signer: read('signer'), hash: read('hash') },
    }
    // What is shorter than a key of AES would let one password in many through.
    return parts.hash.length === parts.signer.length && parts.hash.length >= 32 ? parts : undefined
  },
  findExcess: findScryptExcess,
  matches(password, { salt, separator, signer, hash, ...cost }) {
    const key = deriveScryptKey(password, Buffer.concat([salt, separator]), 32, cost)
    const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
    return equalsInConstantTime(Buffer.concat([cipher.update(signer), cipher.final()]), hash)
  },
  work: describeScryptWork,
})
