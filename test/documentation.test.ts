import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import * as errors from '../src/protocol/errors.ts'
import { findAnchors, findBlocks, findLinks, findRows } from './markdown.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const list = (folder: string, ending: RegExp) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .filter((path) => ending.test(path) && !/\/(?:dist|node_modules|target|\.venv)\//.test(path))

const pages = [
  'README.md',
  'CHANGELOG.md',
  ...['docs', 'examples', 'keys'].flatMap((at) => list(at, /\.md$/)),
]
const reference = read('docs/errors.md')

/** What is wrong with the relative links of a page. */
function findBroken(path: string, page: string): readonly string[] {
  return findLinks(page)
    .filter((link) => !/^[a-z]+:/.test(link))
    .flatMap((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(join(root, target))) return [`${path}: ${link} is not there`]
      if (anchor === undefined || findAnchors(read(target)).has(anchor)) return []
      return [`${path}: ${target} has no heading #${anchor}`]
    })
}

test('every relative link in the documentation leads somewhere', (t) => {
  t.true(pages.includes('docs/refreshing.md') && pages.includes('examples/retrying-client/README.md'))
  t.deepEqual(
    pages.flatMap((path) => findBroken(path, read(path))),
    [],
  )
})

test('a link that leads nowhere is found, one in code is none', (t) => {
  const page =
    '[a](gone.md) [b](docs/keys.md#gone) [c](docs/keys.md#the-ring) `[d](gone.md)`\n\n    [e](gone.md)\n'
  t.deepEqual(findBroken('README.md', page), [
    'README.md: gone.md is not there',
    'README.md: docs/keys.md has no heading #gone',
  ])
})

test('every page of docs is in its index', (t) => {
  const linked = findLinks(read('docs/README.md'))
  const missing = readdirSync(join(root, 'docs')).filter(
    (file) => file.endsWith('.md') && file !== 'README.md' && !linked.includes(file),
  )
  t.deepEqual(missing, [])
})

test('the page of errors has a row for every code, with its status, and for no other', (t) => {
  const declaration = /export type OAuthErrorCode =\n((?: {2}\| '\w+'\n)+)/.exec(
    read('src/protocol/errors.ts'),
  )
  const codes = [...(declaration?.[1] ?? '').matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '')
  const [table = ''] = reference.split('## By message')
  const rows = findRows(table).filter(([first = '']) => /^`\w+`$/.test(first) && first !== '`error`')
  t.deepEqual(rows.map(([code = '']) => code.slice(1, -1)).sort(), codes.toSorted())
  const thrown = [
    new errors.InvalidRequestError('x'),
    new errors.InvalidClientError(),
    new errors.InvalidGrantError('x'),
    new errors.UnauthorizedClientError('x'),
    new errors.UnsupportedGrantTypeError('x'),
    new errors.InvalidScopeError('x'),
    new errors.InvalidTargetError('x'),
  ]
  for (const { code, status } of thrown)
    t.is(rows.find(([first]) => first === `\`${code}\``)?.[1], String(status), code)
})

/** The sentences that an error of the protocol is made with, split where something is put in. */
function findMessages(source: string): readonly string[] {
  const names = Object.keys(errors).join('|')
  const made = [...source.matchAll(new RegExp(`new (?:${names})\\(((?:[^()]|\\([^()]*\\))*)\\)`, 'g'))]
  return made.flatMap((match) => findSentences(match[1] ?? ''))
}

function findSentences(source: string): readonly string[] {
  return [...source.matchAll(/'([^'\n]*\.)'|`([^`]*\.)`/g)].flatMap((match) =>
    (match[1] ?? match[2] ?? '')
      .split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
      .filter((part) => part.trim().length > 1),
  )
}

test('the page of errors has every message that the endpoints send', (t) => {
  const sources = list('src', /\.ts$/).filter((path) => !path.startsWith('src/verifier/'))
  const messages = new Set([
    ...sources.flatMap((path) => findMessages(read(path))),
    ...findSentences(read('src/http/middleware/errors.ts')),
    new errors.InvalidClientError().message,
  ])
  t.true(messages.has('The token was issued to another client.'))
  t.true(messages.has(' belongs into the body, not into the URL.'))
  t.true(messages.has('No API is open to this client.'))
  t.true(messages.size > 30)
  t.deepEqual(
    [...messages].filter((message) => !reference.includes(message)),
    [],
  )
})

test('the code that the page on refreshing shows is that of the example which is tested', (t) => {
  const blocks = findBlocks(read('docs/refreshing.md'), 'js')
  const client = read('examples/retrying-client/token-client.js')
  t.is(blocks.length, 1)
  for (const block of blocks) t.true(client.includes(block), block)
})
