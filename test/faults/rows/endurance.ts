import { summarise } from '../endurance-report.ts'
import { type EnduranceResult, runEndurance } from '../endurance-run.ts'
import type { Fault, FaultOutcome } from '../fault.ts'

/** Of a shorter run the slope is only told: what the heap does in minutes says nothing of hours. */
const shortest = 20

/** How far apart two counts of descriptors may be: a connection more or less of the load at that moment. */
const tolerance = 3

export function judgeEndurance(result: EnduranceResult, minutes: number): FaultOutcome {
  const { samples, requests, wrong, kids } = result
  const { slope, residentBefore, residentAfter, descriptorsBefore, descriptorsAfter, p50, p99 } =
    summarise(samples)
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0)
  const troubles = Object.entries(wrong).map(([what, count]) => `, ${count} × ${what}`)
  return {
    figure:
      `${minutes} min, ${total} requests, ${kids} keys: ${slope.toFixed(2)} MB per 10 min after warm-up (${residentBefore.toFixed(0)} → ` +
      `${residentAfter.toFixed(0)} MB), descriptors ${descriptorsBefore} → ${descriptorsAfter}, p50 ${p50[0]} → ${p50[1]} ms, ` +
      `p99 ${p99[0]} → ${p99[1]} ms${troubles.join('')}`,
    ok:
      total > 0 &&
      troubles.length === 0 &&
      Math.abs(descriptorsAfter - descriptorsBefore) <= tolerance &&
      (minutes < shortest || slope <= 1),
  }
}

export const endurance: Fault = {
  id: 'endurance',
  name: 'an hour of load',
  holds: 'memory slope ≤ 1 MB per 10 min after warm-up, descriptors constant',
  engines: ['SQLite'],
  async run({ quick }) {
    const minutes = quick ? 0.25 : 60
    return judgeEndurance(await runEndurance({ minutes, rate: 40 }), minutes)
  },
}
