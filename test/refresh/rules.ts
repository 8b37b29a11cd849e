/**
 * The refresh rules, written a second time from the design's table and from nothing else, as the yardstick of the
 * models. Every state is a value, so that an order of events can be tried and thrown away.
 */

/** What ought to be true of one session. Times are milliseconds since the epoch. */
export interface Line {
  readonly owner: string
  readonly retryWindow: number
  readonly idleTtl: number
  readonly scopes: readonly string[]
  readonly generation: number
  readonly rotatedAt: number
  readonly retryKey: string | null
  readonly idleExpiresAt: number
  readonly expiresAt: number
  readonly ended: boolean
}

export type Lines = readonly Line[]

export interface Moment {
  readonly now: number
  /** Of each node, since when it serves. */
  readonly servingSince: readonly number[]
}

export type Operation =
  | {
      readonly kind: 'present'
      readonly line: number
      readonly node: number
      readonly generation: number
      readonly key: string | null
      readonly scope: string | null
      readonly client: string
    }
  | { readonly kind: 'revoke'; readonly line: number; readonly node: number; readonly generation: number }
  | { readonly kind: 'disable-user' }
  | { readonly kind: 'disable-client'; readonly client: string }
  | { readonly kind: 'rotate-mac' }
  | { readonly kind: 'kill'; readonly node: number; readonly after: number }

/** What was seen of an operation. */
export type Observation =
  | {
      readonly kind: 'refreshed'
      readonly generation: number
      readonly scope: string
      readonly token: string
    }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'done' }

export interface Observed {
  readonly operation: Operation
  readonly observation: Observation
}

type Expected =
  | { readonly kind: 'refreshed'; readonly generation: number; readonly scope: string }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'done' }

interface Outcome {
  readonly lines: Lines
  readonly expected: Expected
}

/** Whether the session could be refreshed by a client that holds the right token. */
export function isLive(line: Line, now: number): boolean {
  return !line.ended && now < line.idleExpiresAt && now < line.expiresAt
}

function apply(lines: Lines, operation: Operation, moment: Moment): Outcome {
  switch (operation.kind) {
    case 'present':
      return present(lines, operation, moment)
    case 'revoke':
      return { lines: end(lines, (_line, index) => index === operation.line), expected: { kind: 'done' } }
    case 'disable-user':
      return { lines: end(lines, () => true), expected: { kind: 'done' } }
    case 'disable-client':
      return { lines: end(lines, (line) => line.owner === operation.client), expected: { kind: 'done' } }
    default:
      return { lines, expected: { kind: 'done' } }
  }
}

function end(lines: Lines, chosen: (line: Line, index: number) => boolean): Lines {
  return lines.map((line, index) => (chosen(line, index) ? { ...line, ended: true } : line))
}

type Presented = Extract<Operation, { kind: 'present' }>

function present(lines: Lines, operation: Presented, { now, servingSince }: Moment): Outcome {
  const line = lines[operation.line]
  const refuse = (error = 'invalid_grant'): Outcome => ({ lines, expected: { kind: 'refused', error } })
  if (!line || operation.client !== line.owner || !isLive(line, now)) return refuse()
  const wanted = operation.scope?.split(' ') ?? line.scopes
  if (!wanted.every((scope) => line.scopes.includes(scope))) return refuse('invalid_scope')

  const become = (changed: Line, expected: Expected): Outcome => ({
    lines: lines.map((other, index) => (index === operation.line ? changed : other)),
    expected,
  })
  const scope = wanted.join(' ')
  if (operation.generation >= line.generation) {
    const generation = operation.generation + 1
    const idleExpiresAt = now + line.idleTtl
    const rotated = { ...line, generation, rotatedAt: now, retryKey: operation.key, idleExpiresAt }
    return become(rotated, { kind: 'refreshed', generation, scope })
  }
  const openSince = Math.max(line.rotatedAt, servingSince[operation.node] ?? 0)
  const isInWindow = Math.max(0, now - openSince) < line.retryWindow
  if (operation.generation === line.generation - 1) {
    const retried: Outcome = { lines, expected: { kind: 'refreshed', generation: line.generation, scope } }
    if (line.retryKey === null && isInWindow) return retried
    if (line.retryKey !== null && line.retryKey === operation.key) return retried
    if (line.retryKey !== null && isInWindow) return refuse()
  }
  return become({ ...line, ended: true }, { kind: 'refused', error: 'invalid_grant' })
}

/**
 * Every state in which the operations of one step can have left the sessions, given what was seen of them: they ran
 * at the same time, so some order of them must explain it all. An unanswered one ran or did not. The same request
 * twice on one node may have been one redemption.
 */
export function explain(before: Lines, observed: readonly Observed[], moment: Moment): readonly Lines[] {
  const found = new Map<string, Lines>()
  const disabled = observed.flatMap(({ operation }) =>
    operation.kind === 'disable-client' ? operation.client : [],
  )
  const search = (lines: Lines, rest: readonly Observed[], done: readonly Observed[]): void => {
    if (rest.length === 0) found.set(JSON.stringify(lines), lines)
    for (const [index, next] of rest.entries()) {
      const others = rest.toSpliced(index, 1)
      const { operation, observation } = next
      if (observation.kind === 'lost' || done.some((earlier) => isSame(earlier, next))) {
        search(lines, others, done)
      }
      if (observation.kind === 'refused' && observation.error === 'invalid_client') {
        // A node that knows already that the client is disabled does not even look at the token.
        if (operation.kind === 'present' && disabled.includes(operation.client)) search(lines, others, done)
        continue
      }
      const outcome = apply(lines, operation, moment)
      if (observation.kind === 'lost' || isAsExpected(outcome.expected, observation)) {
        search(outcome.lines, others, [...done, next])
      }
    }
  }
  search(before, observed, [])
  return [...found.values()]
}

function isSame(one: Observed, other: Observed): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function isAsExpected(expected: Expected, seen: Observation): boolean {
  if (expected.kind === 'refreshed' && seen.kind === 'refreshed') {
    return expected.generation === seen.generation && expected.scope === seen.scope
  }
  if (expected.kind === 'refused' && seen.kind === 'refused') return expected.error === seen.error
  return expected.kind === 'done' && seen.kind === 'done'
}
