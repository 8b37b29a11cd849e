import { day, minute } from '../lib/durations.ts'

/** Whose secret is guessed: a user's password, or a client's secret. */
export type SubjectKind = 'user' | 'client'

/** What is counted together: so many in a window of so many milliseconds, which begins with the first. */
export interface Allowance {
  readonly most: number
  readonly window: number
}

/** The numbers of throttling for one kind of subject. docs/throttling.md tells them to operators. */
export interface ThrottlePolicy {
  /** Failures for one name: those from networks where it is not known; and those of each network where it is. */
  readonly failures: Allowance
  /** Failures of one network, over all names. */
  readonly networkFailures: Allowance
  /** How many of a network's failures keep out those who are known there; undefined: they are not counted together. */
  readonly knownNetworkFailures: Allowance | undefined
  /** Attempts, good or bad, for one name and from one network; undefined where they are not counted. */
  readonly requests: { readonly name: Allowance; readonly network: Allowance } | undefined
}

/**
 * A password may be guessable. A client secret has 256 random bits, so its numbers are there against noise, and forgive
 * soon: the old secret of a deployment that is being replaced must not keep out the new one for long.
 */
export const policies: Readonly<Record<SubjectKind, ThrottlePolicy>> = {
  user: {
    failures: { most: 10, window: 15 * minute },
    networkFailures: { most: 100, window: 15 * minute },
    knownNetworkFailures: { most: 1_000, window: 15 * minute },
    requests: {
      name: { most: 300, window: minute },
      network: { most: 3_000, window: minute },
    },
  },
  client: {
    failures: { most: 30, window: 5 * minute },
    networkFailures: { most: 300, window: 5 * minute },
    knownNetworkFailures: undefined,
    requests: undefined,
  },
}

/** For how long a network is known to be somebody's after a success there, in milliseconds. */
export const knownFor = 30 * day

/** How many networks are known of one name: those of the latest successes. */
export const knownNetworks = 20
