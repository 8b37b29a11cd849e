import type { Fault } from '../fault.ts'
import { fillDisk } from '../postgres/full-disk-run.ts'
import { type PromotionOptions, type PromotionResult, promoteUnderLoad } from '../postgres/promotion-run.ts'
import { restartUnderLoad } from '../postgres/restart-run.ts'
import { nodesKilled, nodesModel, nodesOneToken, nodesPage, nodesRevocation } from './nodes.ts'

const second = 1_000

/** Whatever stays away, a refresh is answered so soon after PostgreSQL is there again, in milliseconds. */
const recovery = 5 * second

function worst(times: readonly number[]): string {
  return `${(Math.max(...times) / second).toFixed(1)} s`
}

const restart: Fault = {
  id: 'postgres-restart',
  name: 'PostgreSQL restarts under load, orderly and by a crash',
  holds: "no wrong invalid_grant, nobody's session ended, recovery ≤ 5 s",
  engines: ['PostgreSQL'],
  async run({ quick, say }) {
    const result = await restartUnderLoad({
      restarts: quick ? 2 : 20,
      clients: quick ? 8 : 16,
      pause: 40,
      say,
    })
    const { restarts, refreshed, loggedOut, forked, failures, recoveries, recoveriesOfAll } = result
    const unexpected = [...failures.keys()].filter((what) => !/^50[23]/.test(what))
    return {
      figure:
        `${restarts} restarts, ${refreshed} refreshes: ${loggedOut} logged out, ${forked} forked; the first refresh at most ` +
        `${worst(recoveries)}, everybody's ${worst(recoveriesOfAll)} after PostgreSQL answered; ` +
        `other failures than 502 and 503: ${unexpected.join(', ') || 'none'}`,
      ok:
        loggedOut + forked + unexpected.length === 0 && refreshed > 0 && Math.max(...recoveries) <= recovery,
    }
  },
}

const disk: Fault = {
  id: 'postgres-disk',
  name: 'disk of PostgreSQL full',
  holds: '503, JWKS lives on, nobody is logged out, recovery ≤ 5 s',
  engines: ['PostgreSQL'],
  async run({ quick }) {
    const result = await fillDisk({ times: quick ? 1 : 5, clients: 8, pause: 20 })
    const { times, refreshed, loggedOut, forked, failures, keySets, keySetsAsked, ended, recoveries } = result
    const unexpected = [...failures.keys()].filter((what) => !what.startsWith('503'))
    return {
      figure:
        `${times} times, PostgreSQL ended by itself ${ended} times, ${refreshed} refreshes: ${loggedOut} logged out, ` +
        `${forked} forked, ${keySets} of ${keySetsAsked} key sets, everybody refreshes at most ${worst(recoveries)} after there ` +
        `is room; other failures than 503: ${unexpected.join(', ') || 'none'}`,
      ok:
        loggedOut + forked + unexpected.length === 0 &&
        keySets === keySetsAsked &&
        failures.size > 0 &&
        Math.max(...recoveries) <= recovery,
    }
  },
}

type Case = Pick<PromotionOptions, 'replication' | 'lag' | 'isSilent'>

function promotion(id: string, name: string, of: Case, isRight: (result: PromotionResult) => boolean): Fault {
  return {
    id,
    name,
    holds: "no wrong invalid_grant, nobody's session ended; what is lost is told",
    engines: ['PostgreSQL'],
    async run({ quick, say }) {
      const promotions = quick ? 1 : 10
      const result = await promoteUnderLoad({ ...of, promotions, clients: quick ? 8 : 16, pause: 40, say })
      for (const [line, count] of result.says) say(`${String(count).padStart(6)} × ${line}`)
      for (const fault of result.verifierFaults.slice(0, 10)) say(`WRONG: ${fault}`)
      const { refreshed, wronglyEnded, forked, adoptions, logins, lostLogins, revocations } = result
      const { lostRevocations, endedAgain, endedWithAccess, resurrected, acceptedOfResurrected } = result
      const { crippled, verifierFaults } = result
      const isHarmless =
        wronglyEnded + forked + crippled + verifierFaults.length + acceptedOfResurrected === 0
      return {
        figure:
          `${result.promotions} promotions, ${refreshed} refreshes: ${wronglyEnded} wrongly ended, ${forked} forked, ` +
          `${adoptions} adopted; lost ${lostLogins} of ${logins} logins and ${lostRevocations} of ${revocations} revocations ` +
          `(${endedAgain} ended again by a node that knew, ${resurrected} refreshed again, ${acceptedOfResurrected} of their ` +
          `access tokens accepted); ${endedWithAccess} sessions ended and ${crippled} crippled of which an access token was ` +
          `revoked; ${result.acceptedOfLost} lost revocations that no verifier heard of, ${verifierFaults.length} wrong verdicts of ` +
          `verifiers; first refresh at ` +
          `most ${worst(result.sincePromotion)} after the order to promote`,
        ok: isHarmless && refreshed > 0 && result.promotions === promotions && isRight(result),
      }
    },
  }
}

const nothingLost = ({ adoptions, lostLogins, lostRevocations, refusal }: PromotionResult) =>
  adoptions + lostLogins + lostRevocations === 0 && refusal === undefined
/** One promotion may lose nothing that the node's mark had seen: what was sealed again is what it was. */
const somethingLost = ({ adoptions, lostLogins, promotions, refusal }: PromotionResult) =>
  adoptions + lostLogins > 0 && (promotions === 1 || refusal !== undefined)

/** Those that bring a PostgreSQL of their own; `seconds` that nodes are killed for, in the full form. */
export function postgresFaults(seconds = 120): readonly Fault[] {
  return [
    nodesModel,
    nodesOneToken,
    nodesKilled(seconds),
    nodesPage(seconds / 4),
    nodesRevocation,
    restart,
    disk,
    promotion(
      'promotion-sync',
      'a standby is promoted, synchronous replication',
      { replication: 'synchronous', lag: 0 },
      nothingLost,
    ),
    promotion(
      'promotion-silent',
      'the same; the old primary falls silent',
      { replication: 'synchronous', lag: 0, isSilent: true },
      nothingLost,
    ),
    promotion(
      'promotion-async',
      'a standby is promoted that is a second behind, asynchronous replication',
      { replication: 'asynchronous', lag: second },
      somethingLost,
    ),
  ]
}
