import { createVerifier, type Verifier, type VerifierEvent, type VerifierOptions } from '@mintage/verifier'
import type { ExecutionContext } from 'ava'
import { eventually } from '../../support/eventually.ts'
import { audience } from './scripted-issuer.ts'

export interface Watched {
  readonly verifier: Verifier
  readonly events: readonly VerifierEvent[]
  /** Time by both clocks that is added to the real one, in milliseconds. */
  readonly clocks: { wall: number; monotonic: number }
}

/** A verifier of that issuer, closed after the test, with what it told and clocks that can be moved. */
export function watch(
  t: Pick<ExecutionContext, 'teardown'>,
  issuer: { readonly url: string },
  options: Partial<VerifierOptions> = {},
): Watched {
  const events: VerifierEvent[] = []
  const clocks = { wall: 0, monotonic: 0 }
  const verifier = createVerifier({
    issuer: issuer.url,
    audience,
    onEvent: (event) => events.push(event),
    currentDate: () => Date.now() + clocks.wall,
    monotonicTime: () => performance.now() + clocks.monotonic,
    ...options,
  })
  t.teardown(() => verifier.close())
  return { verifier, events, clocks }
}

/** `accepted`, or what the refusal says. */
export async function present(
  { verifier }: { readonly verifier: Verifier },
  token: string,
  scope?: string,
): Promise<string> {
  try {
    await verifier.verify(token, { scope })
    return 'accepted'
  } catch (error) {
    if (!(error instanceof Error && 'status' in error)) throw error
    return `${error.status} ${'reason' in error ? error.reason : error.name}`
  }
}

/** Presents it until the outcome is the wished one; the last outcome, for the test to judge. */
export function presentUntil(
  watched: Pick<Watched, 'verifier'>,
  token: string,
  outcome: string,
): Promise<string> {
  return eventually(
    () => present(watched, token),
    (last) => last === outcome,
  )
}

/** Waits until it has told such an event. */
export function told(watched: Watched, type: VerifierEvent['type'], times = 1): Promise<number> {
  return eventually(
    async () => watched.events.filter((event) => event.type === type).length,
    (count) => count >= times,
  )
}

export async function becomesState(watched: Pick<Watched, 'verifier'>, state: string): Promise<string> {
  return eventually(
    async () => watched.verifier.state,
    (last) => last === state,
  )
}
