import { writeFileSync } from 'node:fs'
import { renderExample, renderReference } from '../src/config/reference.ts'

const root = new URL('../../', import.meta.url)

/** The pages that are made from the source, by their paths; a test says when one is out of date. */
const pages: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': renderReference,
  'mintage.example.toml': renderExample,
}

for (const [path, render] of Object.entries(pages)) writeFileSync(new URL(path, root), render())
