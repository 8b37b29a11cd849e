import type { SubjectKind } from './policy.ts'

/** Whose secret is tried, and from where. */
export interface Subject {
  readonly kind: SubjectKind
  /** As it was submitted: it may exist or not. */
  readonly name: string
  /** An IPv4 address or an IPv6 /64; undefined for this machine itself. */
  readonly network: string | undefined
}

/**
 * How an attempt ended. A refused one may say whom it was about, where that is known: the id of a user, or the
 * `client_id` of a client.
 */
export type Outcome<T> = { readonly passed: T } | { readonly refused: string | undefined }

/** Stands before whatever checks a password or a client secret. */
export interface Gate {
  /**
   * Lets `work` check a password, unless there were too many attempts. What it throws counts as no failure.
   * @throws {ThrottledError} before any work.
   */
  tryPassword<T>(subject: Subject, work: () => Promise<Outcome<T>>): Promise<Outcome<T>>

  /**
   * The same for a secret that is checked in no time. As long as nothing was heard of failures, a right one costs
   * nothing, and the database is not asked.
   * @throws {ThrottledError} before any work.
   */
  trySecret<T>(subject: Subject, work: () => Outcome<T>): Outcome<T> | Promise<Outcome<T>>
}

/** Stands open. */
export const openGate: Gate = {
  tryPassword: (_subject, work) => work(),
  trySecret: (_subject, work) => work(),
}
