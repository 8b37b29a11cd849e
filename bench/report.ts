import { type Results, renderTable, type Summary, summarise } from './results.ts'
import { renderSpread, spread } from './statistics.ts'
import { grants } from './subjects/subject.ts'

const megabyte = 1_000_000

/** All tables of a run, in Markdown. */
export function render(results: Results): string {
  const { machine, rounds, connections, sessions, command } = results
  const lines = summarise(results)
  return [
    `${machine.at}, ${machine.cores} × ${machine.processor}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ` +
      `Node ${machine.node}, OpenSSL ${machine.openssl}, databases on ${machine.fileSystem}, ` +
      `load before ${machine.load.toFixed(2)}`,
    `\`${command}\`: ${rounds.length} rounds, ${connections.join(', ')} connections, ` +
      `${sessions} sessions; median (least–most)`,
    `One RS256 signature: ${renderSpread(spread(rounds.map((round) => round.signature)), 3)} ms of CPU`,
    ...grants.flatMap((grant) =>
      connections.map((count) => {
        const own = lines.filter((line) => line.grant === grant && line.connections === count)
        return `${grant}, ${count === 1 ? '1 connection' : `${count} connections`}\n\n${renderLoad(own)}`
      }),
    ),
    renderRest(results),
    ...renderFailures(results),
  ].join('\n\n')
}

/** One grant over as many connections. */
function renderLoad(lines: readonly Summary[]): string {
  const units = ['bare', 'baseline', 'mintage'].filter((unit) => lines.some(({ server }) => server === unit))
  return renderTable(
    [
      'server',
      'per s',
      'p50 ms',
      'p99 ms',
      'CPU ms',
      'main thread ms',
      '× signature',
      ...units.map((unit) => `× ${unit}`),
    ],
    lines.map((line) => [
      line.server,
      renderSpread(line.perSecond, line.perSecond.median < 100 ? 1 : 0),
      renderSpread(line.p50, 1),
      renderSpread(line.p99, 1),
      renderSpread(line.cpu, 3),
      renderSpread(line.mainThread, 3),
      renderSpread(line.inSignatures, 2),
      ...units.map((unit) => {
        const ratio = unit === line.server ? undefined : line.against(unit, ({ cpu }) => cpu)
        return ratio ? renderSpread(ratio, 2) : '1'
      }),
    ]),
  )
}

function renderRest({ servers, starts, afterLoad }: Results): string {
  const rows = servers.map(({ name, signature, durable }) => {
    const own = starts.filter(({ server }) => server === name)
    const after = afterLoad.find(({ server }) => server === name)
    const over = (values: readonly number[], digits: number) =>
      values.length > 0 ? renderSpread(spread(values), digits) : '–'
    return [
      name,
      signature,
      durable,
      over(
        own.map(({ firstToken }) => firstToken),
        0,
      ),
      over(
        own.map(({ cpu }) => cpu),
        0,
      ),
      over(
        own.map(({ idle }) => idle / megabyte),
        1,
      ),
      after ? `${(after.resident / megabyte).toFixed(1)} after ${after.tokens} tokens` : '–',
    ]
  })
  return renderTable(
    [
      'server',
      'signs',
      'durable before the answer',
      'start to first token ms',
      'CPU of it ms',
      'resident idle MB',
      'resident after load MB',
    ],
    rows,
  )
}

function renderFailures({ failures }: Results): readonly string[] {
  if (failures.length === 0) return []
  const lines = failures.map(({ server, what, message }) => `- **${server}**: ${what} failed: ${message}`)
  return [['Left out:', '', ...lines].join('\n')]
}
