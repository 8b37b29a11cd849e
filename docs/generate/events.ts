import { readFileSync } from 'node:fs'
import { type Event, isAudited } from '../../src/events/event.ts'
import { levelOf } from '../../src/events/log.ts'
import { type EventField, readEvents } from './event-source.ts'
import { code, row } from './markdown.ts'

/** Log lines that tell of the process and of requests, and of no business event. */
export const operationalLines: Readonly<
  Record<string, { readonly level: string; readonly meaning: string }>
> = {
  listening: {
    level: 'always',
    meaning:
      'The issuer accepts requests at `url`, with as many processes as `workers` says where there are several.',
  },
  'worker.started': { level: 'info', meaning: 'A worker process of `serve --workers` accepts requests.' },
  'worker.silent': {
    level: 'error',
    meaning:
      'A worker process did not answer the first process for a quarter of a minute: it hangs, and is killed. `worker.ended` follows.',
  },
  'worker.ended': {
    level: 'error',
    meaning:
      'A worker process ended though nobody had told it to, with the exit code `code` or killed by `signal`. The others go on, and it is started again after `again` milliseconds.',
  },
  'worker.failed': {
    level: 'error',
    meaning:
      'A worker process could not be started again; `message` says why. It is tried again after `again` milliseconds. When no other worker is left, the server ends instead, with that message.',
  },
  'admin.listening': { level: 'info', meaning: 'The admin listener answers at `url`.' },
  'admin.unavailable': {
    level: 'error',
    meaning:
      'Nobody chose a port for the admin listener and the default one is taken: there is none. `message` says more.',
  },
  'high_water_mark.missing': {
    level: 'warn',
    meaning: 'The node had no high-water mark, so it cannot tell an old database; a new one is written.',
  },
  'config.warning': { level: 'warn', meaning: 'The configuration can be run with, and holds something odd.' },
  'request.refused': {
    level: 'info',
    meaning: 'A request was answered with the OAuth error `code`; `reason` is what the answer does not say.',
  },
  'request.unavailable': {
    level: 'warn',
    meaning:
      'A request was answered with 503: the database, the keys or the hashing threads could not be used.',
  },
  'requests.shed': {
    level: 'warn',
    meaning:
      'There is more to do than can be done: token requests were answered with 503 before anything was done for them. `counts` says how many by grant and reason; a line at once, then one every ten seconds for as long as it goes on, in place of one each.',
  },
  'request.failed': {
    level: 'error',
    meaning: 'A request was answered with 500: a fault in Mintage itself.',
  },
  'audit.not_pruned': {
    level: 'error',
    meaning:
      'Old audit rows are not what was sealed, so none is deleted; told once, and tried again every hour.',
  },
  'background.failed': {
    level: 'error',
    meaning: 'Rotation, sweeping or watching failed, and is tried again.',
  },
  stopping: { level: 'info', meaning: 'The process was told to stop; `reason` is the signal.' },
  stopped: { level: 'info', meaning: 'Everything accepted has been finished.' },
}

/** The page of events: `docs/events.md`. `root` is the checkout. */
export function renderEvents(root: URL): string {
  const groups = readEvents(readFileSync(new URL('src/events/event.ts', root), 'utf8'))
  return `# Events

Made from the code by \`npm run docs\`.

Mintage logs one JSON object a line: \`level\` (pino's number: 30 info, 40 warn, 50 error), \`time\` (RFC 3339), \`event\`,
and the fields of the event. No line holds a token, password, secret or header. What a terminal or a log shipper could
obey (control characters, line ends of Unicode, marks of direction) is escaped, so one event is one line.

## Business events

Each is told after its transaction was committed. Those that are audited are also a row of the table \`audit\`, written
in that transaction. Counters: see [metrics](metrics.md).

${row('event', 'level', 'audited', 'fields', 'meaning')}
${row('---', '---', '---', '---', '---')}
${groups
  .flatMap(({ types, fields, meaning }) =>
    alike(types).map(({ names, level, audited }) => row(names, level, audited, describe(fields), meaning)),
  )
  .join('\n')}

## Other lines

${row('event', 'level', 'meaning')}
${row('---', '---', '---')}
${Object.entries(operationalLines)
  .map(([event, { level, meaning }]) => row(code(event), level, meaning))
  .join('\n')}

\`err\` holds an error's \`name\`, \`message\`, \`code\`, \`stack\` and \`cause\`, and nothing that a library has hung on it. \`id\`
is the \`X-Request-Id\` of the answer.
`
}

/** The types of a group, those together that are logged and audited alike. */
function alike(types: readonly string[]) {
  const rows = new Map<string, { names: string; level: string; audited: string }>()
  for (const name of types) {
    const type = name as Event['type']
    const level = levelOf(type)
    const audited = isAudited({ type }) ? 'yes' : 'no'
    const known = rows.get(level + audited)
    rows.set(level + audited, { names: known ? `${known.names}, ${code(name)}` : code(name), level, audited })
  }
  return [...rows.values()]
}

function describe(fields: readonly EventField[]): string {
  return fields
    .map(({ name, type, optional }) => {
      const values = type.includes("'") ? ` (${type.replaceAll("'", '')})` : ''
      return `${code(name)}${optional ? '?' : ''}${values}`
    })
    .join(', ')
}
