import { createHash } from 'node:crypto'
import { compareSync, hashSync } from 'bcryptjs'
import {
  type CurrentFormat,
  exceed,
  type HashPolicy,
  leastBcryptCost,
  mostBcryptCost,
} from './hash-format.ts'

/** The two operations of bcrypt that do its work. */
export interface Bcrypt {
  hashSync(password: string, cost: number): string
  compareSync(password: string, hash: string): boolean
}

const pattern = /^bcrypt_sha256\$(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/

/**
 * Django's `bcrypt_sha256`: bcrypt over the hexadecimal SHA-256 of the password's UTF-8. bcrypt alone ends at the
 * first NUL and at 72 bytes; the 64 digits that it sees here hold neither.
 */
export class BcryptSha256 implements CurrentFormat {
  readonly id = 'bcrypt_sha256'
  readonly #bcrypt: Bcrypt

  constructor(bcrypt: Bcrypt = { hashSync, compareSync }) {
    this.#bcrypt = bcrypt
  }

  recognises(encoded: string): boolean {
    const { cost } = parse(encoded)
    return cost >= leastBcryptCost && cost <= mostBcryptCost
  }

  findProblem(encoded: string): string | undefined {
    const { hash, cost } = parse(encoded)
    return hash === '' ? undefined : exceed('its cost is', cost, leastBcryptCost, mostBcryptCost)
  }

  hash(password: string, { cost }: HashPolicy): string {
    return `bcrypt_sha256$${this.#bcrypt.hashSync(digest(password), cost)}`
  }

  verify(password: string, encoded: string): boolean {
    return this.#bcrypt.compareSync(digest(password), parse(encoded).hash)
  }

  /** A higher cost is replaced too, as Django does: the operator chose the lower one. */
  needsUpgrade(encoded: string, policy: HashPolicy): boolean {
    return parse(encoded).cost !== policy.cost
  }

  work(encoded: string): number {
    return 2 ** parse(encoded).cost
  }

  dummy(cost: number): string {
    return `bcrypt_sha256$$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`
  }
}

function parse(encoded: string): { readonly hash: string; readonly cost: number } {
  const [, hash = '', cost = '0'] = pattern.exec(encoded) ?? []
  return { hash, cost: Number(cost) }
}

function digest(password: string): string {
  return createHash('sha256').update(password, 'utf8').digest('hex')
}
