import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { readEvents } from '../../docs/generate/event-source.ts'
import { operationalLines } from '../../docs/generate/events.ts'
import { pages, root } from '../../docs/generate/pages.ts'

const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

test('the pages that are made from the code are those of this code: npm run docs', (t) => {
  for (const [name, render] of Object.entries(pages)) t.is(read(`docs/${name}`), render(), name)
})

test('every event says what it means', (t) => {
  const groups = readEvents(read('src/events/event.ts'))
  t.true(groups.length > 15)
  for (const { types, meaning } of groups) t.regex(meaning, /^[A-Z].*\.$/, types.join())
})

test('every other line of the log stands on the page of events', (t) => {
  const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
  const names = sources
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .flatMap((path) =>
      [...read(`src/${path}`).matchAll(/\bevent: '([\w.]+)'/g)].map((match) => match[1] ?? ''),
    )
  t.deepEqual([...new Set(names)].sort(), Object.keys(operationalLines).sort())
})
