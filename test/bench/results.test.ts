import test from 'ava'
import { renderPlots } from '../../bench/plots.ts'
import { type Round, summarise } from '../../bench/results.ts'
import type { Sample } from '../../bench/rounds.ts'

function sample(server: string, cpu: number, connections = 16): Sample {
  const rest = { requests: 10, perSecond: 1_000 / cpu, p50: cpu, p99: 2 * cpu, mainThread: cpu / 2 }
  return { server, grant: 'client_credentials', connections, cpu, ...rest }
}

const servers = ['bare', 'mintage', 'peer'].map((name) => ({ name, signature: 'RS256', durable: 'yes' }))
// The machine was twice as slow in the second round, and the peer was left out of it.
const rounds: readonly Round[] = [
  { signature: 1, samples: [sample('bare', 1), sample('mintage', 2), sample('peer', 5)] },
  { signature: 2, samples: [sample('mintage', 4), sample('bare', 2)] },
]
const results = { rounds, servers, connections: [16] }

test('ratios are taken within a round', (t) => {
  const mintage = summarise(results).find(({ server }) => server === 'mintage')
  t.deepEqual(mintage?.inSignatures, { median: 2, least: 2, most: 2 })
  t.deepEqual(
    mintage?.against('bare', ({ cpu }) => cpu),
    { median: 2, least: 2, most: 2 },
  )
  t.deepEqual(mintage?.cpu, { median: 3, least: 2, most: 4 })
})

test('a ratio against a server that was left out is that of the rounds it was in', (t) => {
  const mintage = summarise(results).find(({ server }) => server === 'mintage')
  t.deepEqual(
    mintage?.against('peer', ({ cpu }) => cpu),
    { median: 0.4, least: 0.4, most: 0.4 },
  )
  t.is(
    mintage?.against('nobody', ({ cpu }) => cpu),
    undefined,
  )
})

test('what was not measured has no line', (t) => {
  t.deepEqual(
    summarise(results).map(({ server, grant }) => [server, grant]),
    servers.map(({ name }) => [name, 'client_credentials']),
  )
})

test('each plot has a bar for each line of the tables', (t) => {
  const machine = {
    at: '2026-01-01',
    cores: 2,
    processor: 'a <processor>',
    memoryGiB: 1,
    kernel: '6',
    node: '20',
    openssl: '3',
    fileSystem: 'ext4',
    load: 0,
  }
  const run = { command: '', failures: [], sessions: 1, starts: [], afterLoad: [] }
  const plots = renderPlots({ ...results, ...run, machine })
  t.deepEqual([...plots.keys()], ['throughput.svg', 'p99.svg', 'cpu.svg'])
  for (const svg of plots.values()) t.is([...svg.matchAll(/class="bar"/g)].length, 3)
  t.true(plots.get('cpu.svg')?.includes('>2.00 (2.00–2.00)</text>'))
  t.true(plots.get('throughput.svg')?.includes('client_credentials, 16 connections'))
})
