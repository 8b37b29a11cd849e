import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Packages from PyPI in a virtual environment of their own. */
export interface Environment {
  readonly name: string
  /** The newest Python below this one is taken; undefined for the newest there is. */
  readonly below?: string
  readonly packages: readonly string[]
}

/** The newest of everything; both packages bear their Django. */
export const newest: Environment = {
  name: 'newest',
  packages: ['django', 'djangorestframework', 'djangorestframework-simplejwt[crypto]', 'drf-jwt', 'waitress'],
}

/** Unkept since 2017: it imports what Django 4 and PyJWT 2 took away. Django 3.2 runs on Python 3.11, though it never said so. */
export const legacy: Environment = {
  name: 'legacy',
  below: '3.12',
  packages: [
    'django<4',
    'djangorestframework<3.16',
    'djangorestframework-jwt==1.11',
    'pyjwt<2',
    'waitress<4',
  ],
}

const cache = fileURLToPath(new URL('../../../node_modules/.cache/mintage-django/', import.meta.url))

/** Makes the environment where it is not there yet; answers with its Python. */
export function prepare({ name, below, packages }: Environment): string {
  const base = findPython(below)
  const directory = join(cache, `${name}-${base.version}`)
  const python = join(directory, 'bin', 'python')
  const stamp = join(directory, 'complete')
  if (existsSync(stamp)) return python
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  run(base.python, '-m', 'venv', directory)
  run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages)
  writeFileSync(stamp, '')
  return python
}

/** The newest Python of pyenv or of the system that can make environments. */
function findPython(below = '4'): { readonly python: string; readonly version: string } {
  const versions = join(homedir(), '.pyenv', 'versions')
  const kept = existsSync(versions)
    ? readdirSync(versions).map((version) => join(versions, version, 'bin', 'python3'))
    : []
  const found = [...kept, 'python3', '/usr/bin/python3'].flatMap((python) => {
    const asked = spawnSync(
      python,
      ['-c', 'import sys, ensurepip, venv; print(*sys.version_info[:3], sep=".")'],
      { encoding: 'utf8' },
    )
    return asked.status === 0 ? [{ python, version: asked.stdout.trim() }] : []
  })
  const [best] = found
    .filter(({ version }) => compareVersions(version, below) < 0)
    .sort((one, other) => compareVersions(other.version, one.version))
  if (!best)
    throw new Error(`No Python below ${below} with ensurepip; on Debian: apt-get install python3-venv.`)
  return best
}

function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true })
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
}
