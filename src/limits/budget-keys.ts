import { hkdfSync } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { hmacSha256 } from '../lib/digests.ts'
import type { Subject } from './gate.ts'
import type { SubjectKind } from './policy.ts'

/** A secret of the installation that every node has, and that another one may take the place of. */
export interface DigestSecret {
  readonly id: number
  readonly key: Uint8Array
}

/** How many digests of clients are remembered. */
const mostRemembered = 1_000

/** 128 bits are more than anybody counts names. */
const digestBytes = 16

/**
 * Names the budgets. A name that somebody typed stands in none, be it a password in the wrong field: only its keyed
 * digest does, which nobody can try names against without the key.
 */
export class BudgetKeys {
  readonly #secret: () => DigestSecret
  #derived: DigestSecret | undefined
  /** Of those clients that came last: a token for a client costs little more than its signature. */
  readonly #clients = new Map<string, string>()

  /** @param secret is asked each time, and what is made of it kept while its id is the same. */
  constructor(secret: () => DigestSecret) {
    this.#secret = secret
  }

  /**
   * Of one name, however it was spelled: one budget for all spellings that a login might take for the same, and for a
   * user name and an e-mail address that are the same.
   */
  subject({ kind, name }: Pick<Subject, 'kind' | 'name'>): string {
    if (kind === 'user') return this.#digest(kind, foldName(name))
    const key = this.#key()
    const known = this.#clients.get(name)
    if (known !== undefined) return known
    if (this.#clients.size >= mostRemembered) this.#clients.clear()
    const digest = this.#digest(kind, name, key)
    this.#clients.set(name, digest)
    return digest
  }

  #digest(kind: SubjectKind, name: string, key = this.#key()): string {
    return `${kind}:${hmacSha256(key, `${kind} ${name}`).toString('hex', 0, digestBytes)}`
  }

  /** A secret that cannot be had now, though it could before, is no reason to turn everybody away. */
  #find(): DigestSecret {
    try {
      return this.#secret()
    } catch (error) {
      if (!this.#derived) throw error
      return this.#derived
    }
  }

  #key(): Uint8Array {
    const { id, key } = this.#find()
    if (this.#derived?.id !== id) {
      this.#clients.clear()
      this.#derived = { id, key: Buffer.from(hkdfSync('sha256', key, '', 'mintage throttling', 32)) }
    }
    return this.#derived.key
  }
}

/** Coarser than any way to look up a user name or an e-mail address, so that no spelling has a budget of its own. */
function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC')
}

/** The budget of a subject at one place. */
export function placeKey(subject: string, place: string): string {
  return `${subject}@${place}`
}

/** The budget of a network, over all subjects of a kind. */
export function networkKey(kind: SubjectKind, network: string): string {
  return `${kind}@${network}`
}

/** The budget of requests beside that of failures. */
export function requestsKey(key: string): string {
  return key + requestsMark
}

export function isRequestsKey(key: string): boolean {
  return key.endsWith(requestsMark)
}

const requestsMark = '#requests'

/** What an operator clears. */
export type Clearing =
  | { readonly what: 'subject'; readonly subject: string }
  /** All budgets of networks and addresses within it. */
  | { readonly what: 'network'; readonly network: string }
  | { readonly what: 'all' }

/** Whether the budget of that key is among those that an operator clears. */
export function isCleared(key: string, clearing: Clearing): boolean {
  if (clearing.what === 'all') return true
  const [subject = '', network] = key.replace(requestsMark, '').split('@')
  if (clearing.what === 'subject') return subject === clearing.subject
  return network !== undefined && isWithin(network, clearing.network)
}

/** @param network as a budget's key has it. @param range an address, or a network such as `203.0.113.0/24`. */
function isWithin(network: string, range: string): boolean {
  if (network === range) return true
  const [address = '', bits] = network.split('/')
  if (!ipaddr.isValid(address)) return false
  const inner = ipaddr.parse(address)
  const [outer, outerBits] = parseRange(range)
  if (inner.kind() !== outer.kind()) return false
  // An IPv6 network is one /64, so whatever lies in it means all of it.
  return inner.match(outer, bits === undefined ? outerBits : Math.min(outerBits, Number(bits)))
}

/** @throws {Error} when it is neither an address nor a network. */
export function parseRange(range: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(range)) return ipaddr.parseCIDR(range)
  const address = ipaddr.process(range)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}
