/**
 * `npm run build`, its second half: makes the executable in `dist/src/bundle` out of the sources and what they import, for a
 * start spends more time on finding and reading a thousand files than on anything else.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { collectLicences } from './licences.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** As deep below the root as the sources lie when compiled, so that a path to `package.json` is the same. */
const directory = 'dist/src/bundle'

/** Found where they are installed: compiled for one system, or loading files of their own by path. */
const installed = ['@node-rs/argon2', 'better-sqlite3', 'better-sqlite3-13', 'piscina']

/** What a dependency would use if it were there, and Mintage never asks for. */
const unused = [
  '@google-cloud/*',
  'mariadb',
  'mysql',
  'mysql2',
  'oracledb',
  'pg-native',
  'pg-query-stream',
  'sqlite3',
  'tedious',
]

rmSync(new URL(`../../${directory}`, import.meta.url), { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    main: 'src/main.ts',
    'hash-worker': 'src/users/hash-worker.ts',
    'serve-worker': 'src/cli/serve-worker.ts',
  },
  outdir: directory,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: [...installed, ...unused],
  // Four versions of one table of data, each larger than Koa.
  alias: { 'mime-db': `${root}node_modules/mime-db` },
  // CommonJS that is bundled asks for what Node has built in.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  // What is read is parsed and kept. Names stay, since a stack trace is made of them.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
})
writeFileSync(`${root}${directory}/THIRD-PARTY-LICENCES.txt`, collectLicences(root, metafile))
