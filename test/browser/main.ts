/** `npm run browser`: cookies in a real Chromium. Fails when anything is seen that should not be. */
import { eventually } from '../support/eventually.ts'
import { audience, password } from '../support/in-process-issuer.ts'
import { post } from '../support/oauth.ts'
import { attackEverything, type Outcome } from './attacks.ts'
import { type Laboratory, openLaboratory } from './laboratory.ts'
import { useLoopback } from './loopback.ts'
import { liveThroughSession, type Observation, useListedOrigin } from './session-story.ts'
import { ownHost, shops } from './sites.ts'
import { toTable } from './table.ts'

const failures: string[] = []
const print = (text: string) => void process.stdout.write(`${text}\n`)

function showObservations(observations: readonly Observation[]): void {
  print(
    toTable(
      ['tried', 'seen', 'as it should be'],
      observations.map(({ tried, seen, good }) => [tried, seen, good ? 'yes' : 'NO']),
    ),
  )
  failures.push(...observations.filter(({ good }) => !good).map(({ tried, seen }) => `${tried}: ${seen}`))
}

/** An attack that cannot work proves nothing, so each must work where nothing is defended. */
function judge(outcomes: readonly Outcome[]): void {
  const names = Object.keys(shops)
  const rows = outcomes
    .filter(({ shop }) => shop === names[0])
    .map(({ target, way, attacker }) => {
      const cells = names.map((shop) => {
        const outcome = outcomes.find(
          (each) =>
            each.shop === shop && each.target === target && each.way === way && each.attacker === attacker,
        )
        return `${outcome?.works ? 'WORKS' : 'no'} (${outcome?.answer})`
      })
      return [`${target}: ${way}, from ${attacker}`, ...cells]
    })
  print(toTable(['attack', 'both defences', 'page check alone', 'SameSite alone', 'none'], rows))
  for (const { shop, target, way, attacker, works, answer } of outcomes) {
    const { sameSite = true, pageCheck = true } = shops[shop] ?? {}
    const what = `${target}, ${way}, from ${attacker}, at ${shop}: ${answer}`
    if (pageCheck && works) failures.push(`an attack worked: ${what}`)
    if (!pageCheck && !sameSite && !works) failures.push(`the laboratory proves nothing: ${what}`)
  }
}

/** The attacks shall not race with the life of a token. */
async function lengthenTokens({ issuer }: Laboratory): Promise<void> {
  await issuer.administration.clients.update('web', { accessTokenTtl: null, audiences: [audience] })
  const form = { client_id: 'web', grant_type: 'password', username: 'ada', password }
  await eventually(
    () => post(`${issuer.url}/oauth2/token`, form, { Origin: `https://${ownHost}` }),
    ({ body }) => body['expires_in'] === 900,
  )
}

const began = performance.now()
const laboratory = await openLaboratory()
try {
  print(`Chromium ${laboratory.browser.browser()?.version()}\n`)
  showObservations([
    ...(await liveThroughSession(laboratory, 'oauth')),
    ...(await liveThroughSession(laboratory, 'simplejwt')),
    ...(await useListedOrigin(laboratory)),
    ...(await useLoopback(laboratory)),
  ])
  await lengthenTokens(laboratory)
  print('')
  judge(await attackEverything(laboratory))
} finally {
  await laboratory.close()
}
print(
  `\n${failures.length === 0 ? 'All as it should be' : `${failures.length} things are not as they should be`}; ${Math.round((performance.now() - began) / 1_000)} s`,
)
for (const failure of failures) print(`- ${failure}`)
process.exitCode = failures.length > 0 ? 1 : 0
