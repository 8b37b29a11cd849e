/** `npm run docs` writes the pages that are made from the code. */
import { writeFileSync } from 'node:fs'
import { pages, root } from './pages.ts'

for (const [name, render] of Object.entries(pages)) writeFileSync(new URL(`docs/${name}`, root), render())
