import type { Context } from 'koa'

/**
 * Answers with JSON. Koa would write it as well, but asks of any object whether it is a `Response` of `fetch`, and
 * the first to ask makes Node load a whole HTTP client, which nothing here uses.
 */
export function answerJson(context: Context, body: object): void {
  context.type = 'json'
  context.body = JSON.stringify(body)
}
