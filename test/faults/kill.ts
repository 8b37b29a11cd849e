import { parseArgs } from 'node:util'
import { type KillResult, killWhileRefreshing } from './kill-run.ts'

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '1000' }, clients: { type: 'string', default: '8' } },
})
const started = Date.now()

function say(result: KillResult): void {
  const { otherAnswers, ...figures } = result
  const seconds = Math.round((Date.now() - started) / 1_000)
  console.log(JSON.stringify({ ...figures, otherAnswers: Object.fromEntries(otherAnswers), seconds }))
}

const result = await killWhileRefreshing({
  kills: Number(values.kills),
  clients: Number(values.clients),
  onKill: (soFar) => {
    if (soFar.kills % 100 === 0) say(soFar)
  },
})
say(result)
console.log(`kill -9 ${result.kills} times while refreshing: lost ${result.lost}, forked ${result.forked}`)
process.exitCode = result.lost + result.forked === 0 ? 0 : 1
