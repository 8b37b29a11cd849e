import { readFileSync } from 'node:fs'
import type { Stack } from './django-corner.ts'
import type { Difference } from './facts.ts'
import type { Compared } from './run.ts'

/** Why something is answered otherwise on purpose. The expressions match from start to end. */
export interface Explanation {
  readonly title: string
  readonly why: string
  readonly stacks: readonly Stack[]
  /** Of every answer, whatever it says; an answer with no other difference counts as alike. */
  readonly everywhere?: boolean
  /** Seen beside some versions only, so that it may cover nothing. */
  readonly byVersion?: boolean
  /** Of the requests' names; all of them when left out. */
  readonly request?: string
  /** Of the facts' names. */
  readonly fact: string
  /** Of what each says; an absent fact is the empty text. */
  readonly django?: string
  readonly mintage?: string
}

export const explanations: readonly Explanation[] = JSON.parse(
  readFileSync(new URL('../../../test/django/explanations.json', import.meta.url), 'utf8'),
)

export interface Finding extends Difference {
  readonly request: string
}

export interface Judgement {
  /** Requests that were answered alike. */
  readonly alike: number
  readonly explained: ReadonlyMap<Explanation, readonly Finding[]>
  readonly unexplained: readonly Finding[]
}

/** Finds for every difference the first explanation that fits. */
export function judge(stack: Stack, compared: readonly Compared[]): Judgement {
  const known = explanations.filter(({ stacks }) => stacks.includes(stack)).map(compile)
  const explained = new Map<Explanation, Finding[]>(known.map(({ explanation }) => [explanation, []]))
  const unexplained: Finding[] = []
  let alike = 0
  for (const { request, differences } of compared) {
    let isAlike = true
    for (const difference of differences) {
      const finding = { request, ...difference }
      const found = known.find(({ fits }) => fits(finding))
      if (found) explained.get(found.explanation)?.push(finding)
      else unexplained.push(finding)
      isAlike &&= found?.explanation.everywhere === true
    }
    if (isAlike) alike++
  }
  return { alike, explained, unexplained }
}

function compile(explanation: Explanation): {
  readonly explanation: Explanation
  readonly fits: (finding: Finding) => boolean
} {
  const whole = (pattern = '.*') => new RegExp(`^(?:${pattern})$`, 's')
  const [request, fact, django, mintage] = [
    explanation.request,
    explanation.fact,
    explanation.django,
    explanation.mintage,
  ].map(whole)
  return {
    explanation,
    fits: (finding) =>
      request?.test(finding.request) === true &&
      fact?.test(finding.fact) === true &&
      django?.test(finding.django ?? '') === true &&
      mintage?.test(finding.mintage ?? '') === true,
  }
}
