import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The folder of a peer in the sources, for what is not compiled does not stand in `dist/`. */
export function sourceOf(peer: string): string {
  return fileURLToPath(new URL(`../../../bench/peers/${peer}/`, import.meta.url))
}

/**
 * Installs the packages of a peer into its cache, exactly those of its lock file, and brings its `files` there, which
 * find them that way. @throws when the registry cannot be reached.
 */
export async function installPackages(peer: string, cache: string, files: readonly string[]): Promise<void> {
  await installOnce(peer, cache, 'package-lock.json', async () => {
    cpSync(join(sourceOf(peer), 'package.json'), join(cache, 'package.json'))
    await run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: cache })
  })
  for (const file of files) cpSync(join(sourceOf(peer), file), join(cache, file))
}

/**
 * Installs the packages of a peer written in Python into a virtual environment in its cache.
 * @returns the folder of its executables. @throws when Python is missing or the registry cannot be reached.
 */
export async function installRequirements(peer: string, cache: string): Promise<string> {
  const bin = join(cache, 'venv/bin')
  await installOnce(peer, cache, 'requirements.txt', async () => {
    await run('python3', ['-m', 'venv', '--clear', join(cache, 'venv')])
    await run(join(bin, 'pip'), ['install', '--quiet', '--requirement', join(cache, 'requirements.txt')])
  })
  return bin
}

/** Does nothing when what is installed is what `list` says. */
async function installOnce(
  peer: string,
  cache: string,
  list: string,
  install: () => Promise<void>,
): Promise<void> {
  const wished = readFileSync(join(sourceOf(peer), list), 'utf8')
  const mark = join(cache, 'installed')
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wished) return
  mkdirSync(cache, { recursive: true })
  cpSync(join(sourceOf(peer), list), join(cache, list))
  await install()
  writeFileSync(mark, wished)
}
