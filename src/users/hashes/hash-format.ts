/**
 * The costs of bcrypt that are used and recognised. Below four it is not defined; past sixteen (seconds for one
 * login, and twice as many for each step) an imported hash would hold a thread rather than let a user in.
 */
export const leastBcryptCost = 4
export const mostBcryptCost = 16

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
  /** Whether `encoded`, which the format recognises, is a hash of the password. */
  verify(password: string, encoded: string): boolean | Promise<boolean>
  /** Whether a login should replace the hash by one that the policy asks for. */
  needsUpgrade(encoded: string, policy: HashPolicy): boolean
  /** What {@link verify} costs, in iterations of bcrypt. Failures are padded from it to the current cost. */
  work(encoded: string): number
}

/** The format that new hashes are made in. */
export interface CurrentFormat extends HashFormat {
  hash(password: string, policy: HashPolicy): string
  verify(password: string, encoded: string): boolean
  /** A well-formed hash that is no password's, for doing the work where there is nothing to check. */
  dummy(cost: number): string
}
