/** `npm run django:differential`: the same requests to the Django packages and to Mintage, and what differs. */

import { users } from './corner.ts'
import { startDjango } from './django-corner.ts'
import { legacy, newest, prepare } from './python.ts'
import { run } from './run.ts'
import { bodyScenarios } from './scenarios/bodies.ts'
import { drfJwt, drfJwtLives } from './scenarios/drf-jwt.ts'
import { messageScenarios } from './scenarios/messages.ts'
import { simplejwt, simplejwtLives } from './scenarios/simplejwt.ts'
import { closeConnections } from './wire.ts'

for (const [stack, env, family, lives] of [
  ['simplejwt', newest, simplejwt, simplejwtLives],
  ['drf-jwt', newest, drfJwt, drfJwtLives],
  ['legacy', legacy, drfJwt, drfJwtLives],
] as const) {
  const python = prepare(env)
  const a = await startDjango(python, stack, users)
  const b = await startDjango(python, stack, users)
  console.log(a.versions)
  const scenarios = [family.login, ...family.others].flatMap((e) => [
    ...bodyScenarios(family, e),
    ...messageScenarios(family, e),
  ])
  console.time(stack)
  const { sent, compared } = await run(a, b, [...scenarios, ...lives])
  console.timeEnd(stack)
  console.log(
    stack,
    sent,
    compared.length,
    compared.filter((c) => c.differences.length).map((c) => JSON.stringify(c)),
  )
  await a.stop()
  await b.stop()
}
closeConnections()
