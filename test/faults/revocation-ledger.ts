import { decodeClaims } from '../support/oauth.ts'
import { placeOf } from '../support/status.ts'

/** A verifier that calls itself fresh knows what was committed so many milliseconds ago. */
export const promised = 6_000

/** A token, and all by which it can be revoked: its place, its session, its user, its client, its key. */
export interface Issued {
  readonly text: string
  readonly place: string
  readonly kid: string
  readonly subjects: readonly string[]
  /** Its user or its client was being disabled while it was made: nobody can say what it should be. */
  readonly isRaced: boolean
  /** The verifiers that have once refused it for good. */
  readonly refusedBy: Set<string>
}

/** One call of `verify`. Times are those of the monotonic clock, in milliseconds. */
export interface Verdict {
  readonly verifier: string
  readonly begunAt: number
  /** Fresh both before and after, or the state afterwards. */
  readonly state: string
  /** `accepted`, or status and reason of the refusal. */
  readonly outcome: string
  /** Whether its revocation had been handed to the verifier when the call began. */
  readonly wasTold: boolean
}

/** What was issued, what was revoked when, and what may therefore never be said of a token. */
export class Ledger {
  readonly issued: Issued[] = []
  readonly violations: string[] = []
  /** Verdicts by state and outcome. */
  readonly verdicts = new Map<string, number>()
  /** How long after the answer to its revocation a token was last accepted by a verifier that called itself fresh. */
  latestFresh = 0
  revocations = 0
  readonly #triedAt = new Map<string, number>()
  readonly #revokedAt = new Map<string, number>()

  /** Enters a token that was just given out. */
  add(text: string, owners: readonly string[]): Issued {
    const { sid } = decodeClaims(text)
    const { kid }: { readonly kid: string } = JSON.parse(
      Buffer.from(text.split('.')[0] ?? '', 'base64url').toString(),
    )
    const { uri, idx } = placeOf(text)
    const place = `${uri}#${idx}`
    const isRaced = owners.some((owner) => this.#triedAt.has(owner))
    const session = typeof sid === 'string' ? [`sid:${sid}`] : []
    const subjects = [`place:${place}`, `kid:${kid}`, ...session, ...owners]
    const token = { text, place, kid, subjects, isRaced, refusedBy: new Set<string>() }
    this.issued.push(token)
    return token
  }

  /**
   * Revokes what has that subject, and notes when that was asked for and when it was answered. One that failed may have
   * been carried out all the same.
   * @returns whether it was answered.
   */
  async revoke(subject: string, act: () => Promise<boolean>): Promise<boolean> {
    this.#triedAt.set(subject, this.#triedAt.get(subject) ?? performance.now())
    if (!(await act())) return false
    this.revocations++
    this.#revokedAt.set(subject, this.#revokedAt.get(subject) ?? performance.now())
    return true
  }

  isTried({ subjects }: Issued): boolean {
    return subjects.some((subject) => this.#triedAt.has(subject))
  }

  /** When the first of its revocations was answered. */
  revokedAt({ subjects, isRaced }: Issued): number | undefined {
    if (isRaced) return undefined
    const moments = subjects.flatMap((subject) => this.#revokedAt.get(subject) ?? [])
    return moments.length === 0 ? undefined : Math.min(...moments)
  }

  /** Whether somebody tried to revoke it and nobody knows what came of it. */
  isUnknown(token: Issued): boolean {
    return this.isTried(token) && this.revokedAt(token) === undefined
  }

  /** Counts a verdict, and notes what is wrong with it. */
  judge(token: Issued, { verifier, begunAt, state, outcome, wasTold }: Verdict): void {
    const kind = `${state} | ${outcome}`
    this.verdicts.set(kind, (this.verdicts.get(kind) ?? 0) + 1)
    const revokedAt = this.revokedAt(token)
    const wrong = (what: string) => {
      const since = revokedAt === undefined ? 'not revoked' : `${Math.round(begunAt - revokedAt)} ms after`
      this.violations.push(
        `${verifier}: ${what} (${outcome}, ${state}, ${since}, ${token.subjects.join(' ')})`,
      )
    }
    if (outcome === 'accepted') {
      if (token.refusedBy.has(verifier)) wrong('accepted what it had refused as revoked')
      if (wasTold) wrong('accepted what it had been told is revoked')
      if (state !== 'fresh' || revokedAt === undefined) return
      this.latestFresh = Math.max(this.latestFresh, begunAt - revokedAt)
      if (begunAt - revokedAt > promised) wrong('fresh, and accepted what was revoked too long ago')
    } else if (outcome === '401 revoked') {
      token.refusedBy.add(verifier)
      if (!this.isTried(token)) wrong('refused as revoked what nobody revoked')
    }
  }
}
