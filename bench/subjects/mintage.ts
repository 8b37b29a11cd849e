import { findExecutable, installMintage, ownExecutable } from '../installation.ts'
import type { Subject } from './subject.ts'

function subjectOf(name: string, executable: string): Subject {
  return {
    name,
    signature: 'RS256',
    durable: 'every refresh, and whatever can revoke a token (SQLite, full synchronisation)',
    install: ({ directory, sessions }) => installMintage(name, executable, directory, sessions),
  }
}

/** This checkout. */
export const mintage = subjectOf('mintage', ownExecutable)

/** Another checkout of Mintage that is built, to compare this one with. */
export function baselineOf(checkout: string): Subject {
  return subjectOf('baseline', findExecutable(checkout))
}
