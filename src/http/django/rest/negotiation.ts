import type { Context } from 'koa'
import { notAcceptable, notFound } from './api-error.ts'
import { matches, parseMediaType } from './media-type.ts'

/** What Django REST framework renders by default. There is no browsable API here: who accepts it gets JSON. */
export const rendered = ['application/json', 'text/html'] as const

const renderers = rendered.map(parseMediaType)

/** No other text stands for one of the renderers; a header can list thousands that do not. */
const promising = /json|html|\*/i

const formats: readonly (string | undefined)[] = ['json', 'api', '', undefined]

/**
 * How the answer is written: by how many spaces it is indented (`Accept: application/json; indent=4`).
 * @throws {ApiError} 406 where `Accept` wants something else; 404 for another `?format`.
 */
export function negotiate(context: Context): number {
  const format = new URLSearchParams(context.querystring).getAll('format').at(-1)
  if (!formats.includes(format)) throw notFound()
  const accepted = (context.headers.accept ?? '*/*').split(',').filter((text) => promising.test(text))
  const fitting = accepted.map(parseMediaType).filter((type) => renderers.some((each) => matches(each, type)))
  if (fitting.length === 0) throw notAcceptable()
  const indent = fitting
    .filter(({ sub }) => sub === 'json')
    .map(({ parameters }) => parameters.get('indent') ?? '')
    .find((text) => /^\d{1,9}$/.test(text))
  return Math.min(8, Number(indent ?? 0))
}
