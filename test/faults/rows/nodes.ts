import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Fault } from '../fault.ts'
import { PostgresCluster } from '../postgres/cluster.ts'
import { type KillNodesResult, killNodes } from '../postgres/kill-nodes-run.ts'
import { runModelOnSite } from '../postgres/model-run.ts'
import { presentOneToken } from '../postgres/one-token-run.ts'
import { startPageProxy } from '../postgres/page-front.ts'

/** What must hold of two nodes on one PostgreSQL behind a plain proxy. */
export const nodesModel: Fault = {
  id: 'nodes-model',
  name: 'two nodes, requests at random, nodes killed',
  holds: "the refresh model's invariants",
  engines: ['PostgreSQL'],
  async run({ quick, say }) {
    const { runs, operations, tally, violation } = await runModelOnSite(quick ? 3 : 60)
    if (violation !== undefined) say(violation)
    const count = (what: string) => tally.get(what) ?? 0
    return {
      figure:
        `${runs} runs, ${operations} operations, ${count('present: refreshed')} refreshed, ${count('present: lost')} lost, ` +
        `${count('kill: done')} kills: ${violation === undefined ? 0 : 1} violations`,
      ok: violation === undefined && count('present: refreshed') > 0,
    }
  },
}

export const nodesOneToken: Fault = {
  id: 'nodes-token',
  name: 'concurrent refreshes of one token at two nodes',
  holds: 'one successor string',
  engines: ['PostgreSQL'],
  async run({ quick }) {
    const result = await presentOneToken(quick ? 1_000 : 10_000, quick ? 100 : 500)
    const { answers, successors, generation, ended, seconds, spread } = result
    const list = [...answers].map(([status, count]) => `${count} × ${status}`).join(', ')
    return {
      figure:
        `${list} in ${seconds.toFixed(1)} s, spread ${spread.join(' + ')}: ${successors.size} successor, ` +
        `generation ${generation}`,
      ok: successors.size === 1 && generation === 1 && !ended && spread.length === 2,
    }
  },
}

function describe({ kills, refreshed, loggedOut, forked, failedTries, failedMoreThanOnce }: KillNodesResult) {
  const tries = Object.values(failedTries).reduce((sum, count) => sum + count, 0)
  return (
    `${kills} kills, ${refreshed} refreshes: ${loggedOut} logged out, ${forked} forked, ${tries} tries failed, ` +
    `${failedMoreThanOnce} refreshes failed more than once`
  )
}

/** `seconds` of each of two forms: the proxy asks the other node when one fails, and it does not. */
export function nodesKilled(seconds: number): Fault {
  return {
    id: 'nodes-killed',
    name: 'one of two nodes killed every few seconds',
    holds: 'no honest client logged out',
    engines: ['PostgreSQL'],
    async run({ quick, say }) {
      const options = { seconds: quick ? 8 : seconds, clients: quick ? 8 : 16, pause: 50 }
      const patient = await killNodes({ ...options, isPatient: true })
      say(`a proxy that asks the other node: ${describe(patient)}`)
      const plain = await killNodes({ ...options, isPatient: false })
      return {
        figure: `behind a proxy that asks the other node, ${describe(patient)}; behind one that does not, ${describe(plain)}`,
        ok: [patient, plain].every(
          (each) => each.kills > 0 && each.refreshed > 0 && each.loggedOut + each.forked === 0,
        ),
      }
    },
  }
}

/** The proxies of the page on several nodes, as they are written there; `seconds` of each in the full form. */
export function nodesPage(seconds: number): Fault {
  return {
    id: 'nodes-page',
    name: 'nodes killed, and restarted in turn, behind HAProxy and nginx',
    holds: 'no honest client logged out',
    engines: ['PostgreSQL'],
    async run({ quick, say }) {
      const told: string[] = []
      let ok = true
      for (const name of ['haproxy', 'nginx'] as const) {
        for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
          const options = { seconds: quick ? 8 : seconds, clients: 8, pause: 50, isPatient: true, signal }
          const result = await killNodes({ ...options, front: (nodes) => startPageProxy(name, nodes) })
          told.push(`${name}, ${signal}: ${describe(result)}`)
          say(told.at(-1) ?? '')
          ok &&= result.loggedOut + result.forked === 0 && result.refreshed > 0
        }
      }
      return { figure: told.join('; '), ok }
    },
  }
}

interface Latency {
  readonly name: string
  readonly times: number
  readonly refusals: number
  readonly p50: number
  readonly p99: number
}

export const nodesRevocation: Fault = {
  id: 'nodes-revocation',
  name: 'revocation at one node, verifiers at the other',
  holds: 'refused everywhere well under a second later',
  engines: ['PostgreSQL'],
  async run({ quick }) {
    const bench = fileURLToPath(new URL('../../../bench/revocation/main.js', import.meta.url))
    const directory = mkdtempSync(join(tmpdir(), 'mintage-faults-'))
    const cluster = await PostgresCluster.start('none')
    try {
      const json = join(directory, 'figures.json')
      const few = quick ? ['--quick', '--verifiers', '8', '--processes', '2'] : ['--times', '200']
      const place = ['--database', cluster.url, '--nodes', '2', '--only', 'a session', '--json', json]
      await promisify(execFile)(process.execPath, [bench, ...place, ...few])
      const figures: readonly Latency[] = JSON.parse(readFileSync(json, 'utf8'))
      const told = figures.map(
        ({ times, refusals, p50, p99 }) =>
          `${times} revocations, ${refusals} refusals: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`,
      )
      return { figure: told[0] ?? 'nothing was measured', ok: figures.every(({ p99 }) => p99 < 1_000) }
    } finally {
      await cluster.close()
      rmSync(directory, { recursive: true, force: true })
    }
  },
}
