import type { Context } from 'koa'
import { notAcceptable, notFound } from './api-error.ts'
import { matches, parseMediaType } from './media-type.ts'

/** What Django REST framework renders by default. There is no browsable API here: who accepts it gets JSON. */
export const rendered = ['application/json', 'text/html'] as const

const formats: readonly (string | undefined)[] = ['json', 'api', '', undefined]

/**
 * How the answer is written: by how many spaces it is indented (`Accept: application/json; indent=4`).
 * @throws {ApiError} 406 where `Accept` wants something else; 404 for another `?format`.
 */
export function negotiate(context: Context): number {
  const format = new URLSearchParams(context.querystring).getAll('format').at(-1)
  if (!formats.includes(format)) throw notFound()
  const accepted = (context.headers.accept ?? '*/*').split(',').map(parseMediaType)
  const fitting = accepted.filter((type) => rendered.some((each) => matches(each, type)))
  if (fitting.length === 0) throw notAcceptable()
  const indent = fitting
    .filter(({ sub }) => sub === 'json')
    .map(({ parameters }) => parameters.get('indent') ?? '')
    .find((text) => /^\d{1,9}$/.test(text))
  return Math.min(8, Number(indent ?? 0))
}
