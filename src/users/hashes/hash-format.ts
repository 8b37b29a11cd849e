/**
 * The costs of bcrypt that are used and recognised. Below four it is not defined; past sixteen (seconds for one
 * login, and twice as many for each step) an imported hash would hold a thread rather than let a user in.
 */
export const leastBcryptCost = 4
export const mostBcryptCost = 16

/** In characters. No hash that is in use is half as long, and one that is takes time before anything is known of it. */
export const longestHash = 1_024

/** What new hashes are made with. */
export interface HashPolicy {
  /** The cost of bcrypt: 2 to this power iterations. */
  readonly cost: number
}

/** One way to hash passwords, told by the text that it leaves. Encoded hashes and passwords never enter a message. */
export interface HashFormat {
  readonly id: string
  /** Whether `encoded` is a whole hash of this format that this process can check in bearable time. */
  recognises(encoded: string): boolean
  /** Why a hash in the form of this format is not recognised; undefined when it is, or has another form. */
  findProblem(encoded: string): string | undefined
  /** Whether `encoded`, which the format recognises, is a hash of the password. */
  verify(password: string, encoded: string): boolean | Promise<boolean>
  /** Whether a login should replace the hash by one that the policy asks for. */
  needsUpgrade(encoded: string, policy: HashPolicy): boolean
  /**
   * What {@link verify} costs, in iterations of bcrypt, from which failures are padded to the current cost. Where that
   * depends on the machine: a text that is the same for all hashes of the same cost, so that it can be measured.
   */
  work(encoded: string): number | string
}

/** The format that new hashes are made in. */
export interface CurrentFormat extends HashFormat {
  hash(password: string, policy: HashPolicy): string
  verify(password: string, encoded: string): boolean
  /** A well-formed hash that is no password's, for doing the work where there is nothing to check. */
  dummy(cost: number): string
}

/** A format that hashes come in and none are made in: every login with one replaces it. */
export interface ImportedFormat<Parts> {
  readonly id: string
  /** The parts of a hash; undefined for a text of another form. */
  parse(encoded: string): Parts | undefined
  /** What is asked too much of a login by the parameters of a hash; undefined when it is bearable. */
  findExcess(parts: Parts): string | undefined
  /** What it throws at once is the hash's fault, and no match; what it rejects with is another's. */
  matches(password: string, parts: Parts): boolean | Promise<boolean>
  /** As {@link HashFormat.work}. */
  work(parts: Parts): number | string
}

/** Makes a format of what is particular about it. It works in a hashing thread, so that what blocks harms nobody. */
export function defineFormat<Parts>(format: ImportedFormat<Parts>): HashFormat {
  const parse = (encoded: string) => (encoded.length > longestHash ? undefined : format.parse(encoded))
  const parseKnown = (encoded: string) => {
    const parts = parse(encoded)
    if (parts === undefined) throw new Error(`The hash is none of the format ${format.id}.`)
    return parts
  }
  return {
    id: format.id,
    recognises(encoded) {
      const parts = parse(encoded)
      return parts !== undefined && format.findExcess(parts) === undefined
    },
    findProblem(encoded) {
      const parts = parse(encoded)
      return parts && format.findExcess(parts)
    },
    verify(password, encoded) {
      const parts = parseKnown(encoded)
      try {
        return format.matches(password, parts)
      } catch {
        // A library takes less than the format says, so it is nobody's password. One that cannot be loaded rejects, and
        // that is told.
        return false
      }
    },
    needsUpgrade: () => true,
    work: (encoded) => format.work(parseKnown(encoded)),
  }
}

/** Says that a parameter is past what a login does; undefined when it is not. */
export function exceed(what: string, value: number, least: number, most: number): string | undefined {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return undefined
  const number = (n: number) => n.toLocaleString('en')
  return `${what} ${number(value)}, and a login here takes ${number(least)} to ${number(most)}`
}
