import Router from '@koa/router'
import Koa from 'koa'
import type { Logger } from '../events/log.ts'
import { livenessEndpoint, type Readiness, readinessEndpoint } from './health.ts'
import { answerErrors } from './middleware/errors.ts'
import { setHeaders } from './middleware/headers.ts'

/** What is measured, as Prometheus reads it. */
export interface Exposition {
  render(): Promise<{ readonly contentType: string; readonly body: string }>
}

export interface AdminAppOptions {
  readonly logger: Logger
  readonly readiness: Pick<Readiness, 'problems'>
  readonly metrics: Exposition
}

/** What the admin listener answers: numbers, and whether the issuer lives and can serve. Nothing of it is public. */
export function createAdminApp({ logger, readiness, metrics }: AdminAppOptions): Koa {
  const router = new Router()
  router.get('/metrics', async (context) => {
    const { contentType, body } = await metrics.render()
    context.type = contentType
    context.body = body
  })
  router.get('/livez', livenessEndpoint)
  router.get('/readyz', readinessEndpoint(readiness))

  const app = new Koa()
  app.on('error', (error) => logger.error({ event: 'request.failed', err: error }))
  app.use(setHeaders(false))
  app.use(answerErrors(logger))
  app.use(router.routes())
  app.use(router.allowedMethods())
  return app
}
