import type { Corner } from './corner.ts'
import { compare, type Difference, type Facts, findFacts } from './facts.ts'
import type { Ask, Kept, Scenario, Step } from './scenario.ts'
import { send, type WireAnswer } from './wire.ts'

export interface Outcome {
  /** Requests to each of the two. */
  readonly sent: number
  readonly compared: readonly Compared[]
}

export interface Compared {
  readonly request: string
  readonly differences: readonly Difference[]
}

interface Side {
  readonly corner: Corner
  readonly kept: Map<string, string>
}

/** Puts every scenario to both corners, one request at a time. */
export async function run(django: Corner, mintage: Corner, scenarios: readonly Scenario[]): Promise<Outcome> {
  const compared: Compared[] = []
  let sent = 0
  for (const scenario of scenarios) {
    const sides = [django, mintage].map((corner): Side => ({ corner, kept: new Map() }))
    for (const step of scenario) {
      if ('compare' in step || 'prepare' in step) sent++
      const [theirs, ours] = await Promise.all(sides.map((side) => take(step, side)))
      if ('compare' in step && theirs && ours) {
        compared.push({ request: step.compare, differences: compare(theirs, ours) })
      }
    }
  }
  return { sent, compared }
}

/** Does one step; answers with the facts of what is to be compared. */
async function take(step: Step, { corner, kept }: Side): Promise<Facts | undefined> {
  if ('change' in step) await corner.change(step.change)
  else if ('expire' in step) kept.set(step.to, await corner.expire(recall(kept, step.expire)))
  else if ('rewrite' in step) kept.set(step.to, step.by(recall(kept, step.rewrite)))
  else if ('alter' in step) kept.set(step.to, corner.sign(recall(kept, step.alter), step.by))
  else {
    const answer = await put('compare' in step ? step.ask : step.prepare, corner.url, kept)
    if ('prepare' in step) keep(answer, step.keep, kept, true)
    else {
      if (step.keep) keep(answer, step.keep, kept, false)
      return findFacts(answer)
    }
  }
  return undefined
}

function put(
  { method = 'POST', target, headers = {}, body = '' }: Ask,
  url: string,
  kept: Map<string, string>,
): Promise<WireAnswer> {
  const fill = (text: string, quote: (value: string) => string) =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = kept.get(name)
      return value === undefined ? whole : quote(value)
    })
  const isForm = /form-urlencoded/i.test(headers['Content-Type'] ?? '')
  const inBody = isForm ? encodeURIComponent : (value: string) => JSON.stringify(value).slice(1, -1)
  return send(url, {
    method,
    target: fill(target, encodeURIComponent),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value, String)])),
    body: typeof body === 'string' ? Buffer.from(fill(body, inBody)) : body,
  })
}

function keep(answer: WireAnswer, names: Kept, kept: Map<string, string>, must: boolean): void {
  const text = answer.body.toString()
  const members: unknown = /^application\/json/.test(answer.headers['content-type'] ?? '')
    ? JSON.parse(text)
    : {}
  for (const [name, member] of Object.entries(names)) {
    const value: unknown = Object.getOwnPropertyDescriptor(Object(members), member)?.value
    if (typeof value === 'string') kept.set(name, value)
    else if (must) throw new Error(`No ${member} in ${answer.status} ${text.slice(0, 300)}`)
  }
}

function recall(kept: Map<string, string>, name: string): string {
  const value = kept.get(name)
  if (value === undefined) throw new Error(`Nothing is kept as ${name}.`)
  return value
}
