import { readFileSync } from 'node:fs'
import test from 'ava'
import { checkConfiguration, renderPage, transcribe, wrongConfigurations } from './wrong-configurations.ts'

const page = readFileSync(new URL('../../../docs/wrong-configurations.md', import.meta.url), 'utf8')

for (const wrong of wrongConfigurations) {
  test(`${wrong.title}: what is said is what the page has`, async (t) => {
    const result = await checkConfiguration(wrong)
    t.is(result.code, 1)
    t.is(result.stdout, '')
    t.regex(result.stderr, /^(mintage: [^\n]+[.?]\n)+$/)
    t.notRegex(result.stderr, / {4}at |node_modules/)
    for (const secret of wrong.secrets ?? []) t.false(result.stderr.includes(secret), 'security 36')
    const transcript = transcribe(wrong, result)
    t.true(
      page.includes(transcript),
      `${transcript}\nIf this is wanted: npm run wrong-configs > docs/wrong-configurations.md`,
    )
  })
}

test('the page has twenty wrong configurations at least, and no others', (t) => {
  const titles = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title)
  t.true(titles.length >= 20)
  t.deepEqual(
    titles,
    wrongConfigurations.map((wrong) => wrong.title),
  )
  t.true(page.startsWith(renderPage([]).trimEnd()))
})
