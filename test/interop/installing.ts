import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from '../../docs/generate/pages.ts'
import type { Example } from './manifest.ts'
import { inParallel, isOnPath, runToEnd } from './running.ts'

/** The longest that one command of an installation may take, in milliseconds. */
const patience = 20 * 60_000
const width = 3

/** An example that could not be installed, and why. */
export interface Failure {
  readonly example: Example
  readonly reason: string
}

/** Installs what is missing, says how long each took, and returns what failed. `scratch` is a directory for files. */
export async function installExamples(
  examples: readonly Example[],
  scratch: string,
  say: (line: string) => void,
): Promise<readonly Failure[]> {
  await installDebianPackages(examples, say)
  const archive = examples.some(({ ownVerifier }) => ownVerifier) ? await packVerifier(scratch) : undefined
  const failures: Failure[] = []
  await inParallel(width, toQueues(examples), async (queue) => {
    for (const example of queue) {
      const start = performance.now()
      const reason = await installExample(example, archive)
      if (reason !== undefined) failures.push({ example, reason })
      else say(`installed ${example.name} in ${((performance.now() - start) / 1_000).toFixed(1)} s`)
    }
  })
  return failures
}

/**
 * What is installed one after the other: compilers at work side by side wait for each other, or compile the same into the
 * cache that they share. They take longest, so they come first.
 */
function toQueues(examples: readonly Example[]): readonly (readonly Example[])[] {
  const compiled = ['Rust', 'Java', 'Go']
  const queues = compiled.map((name) => examples.filter(({ ecosystem }) => ecosystem === name))
  const others = examples.filter(({ ecosystem }) => !compiled.includes(ecosystem))
  return [...queues, ...others.map((example) => [example])]
}

/** Installs one; returns why it could not be. */
async function installExample(example: Example, archive: string | undefined): Promise<string | undefined> {
  const missing = findMissing(example)
  if (missing.length > 0) return `not on PATH: ${missing.join(', ')}`
  try {
    for (const command of example.install) await run(command, example.directory)
    if (archive !== undefined && example.ownVerifier) await installArchive(archive, example.directory)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return undefined
}

/** The programs that an example needs and this machine lacks. */
export function findMissing({ needs, install, version, start }: Example): readonly string[] {
  const named = [...needs, ...[...install, version, start].map(([program]) => program)]
  return [...new Set(named)].filter((program) => !program.includes('/') && !isOnPath(program))
}

/** The version of its library, as it says it itself. */
export async function readVersion({ version, directory }: Example): Promise<string> {
  const printed = await runToEnd(version, { directory }, 60_000)
  return printed.trim().replaceAll(/\s+/g, ' ')
}

async function installDebianPackages(
  examples: readonly Example[],
  say: (line: string) => void,
): Promise<void> {
  const wanted = [...new Set(examples.flatMap(({ debian }) => debian))]
  const directory = fileURLToPath(root)
  const missing: string[] = []
  for (const name of wanted) {
    const status = await runToEnd(['dpkg', '--status', name], { directory }, patience).catch(() => '')
    if (!/^Status: install ok installed$/m.test(status)) missing.push(name)
  }
  if (missing.length === 0) return
  const start = performance.now()
  const environment = { DEBIAN_FRONTEND: 'noninteractive' }
  await runToEnd(['apt-get', 'update', '-qq'], { directory, environment }, patience)
  const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing]
  await runToEnd(install, { directory, environment }, patience)
  say(`installed ${missing.join(', ')} in ${((performance.now() - start) / 1_000).toFixed(1)} s`)
}

/** Packs `@mintage/verifier` as it would be published. */
async function packVerifier(scratch: string): Promise<string> {
  mkdirSync(scratch, { recursive: true })
  const directory = fileURLToPath(new URL('src/verifier', root))
  const printed = await run(['npm', 'pack', '--silent', '--pack-destination', scratch], directory)
  return join(scratch, printed.trim())
}

/** Puts the packed verifier where npm would put the published one. */
async function installArchive(archive: string, directory: string): Promise<void> {
  rmSync(join(directory, 'node_modules/@mintage'), { recursive: true, force: true })
  await run(
    ['npm', 'install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', archive],
    directory,
  )
}

function run(command: readonly string[], directory: string): Promise<string> {
  return runToEnd(command, { directory, environment: { npm_config_update_notifier: 'false' } }, patience)
}
