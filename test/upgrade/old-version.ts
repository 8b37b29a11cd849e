import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../support/child-issuer.ts'

/** The checkout, from where this lies when it is built. */
export const checkout = fileURLToPath(new URL('../../../', import.meta.url))

/** Another version of Mintage, built beside this one. */
export interface OldVersion {
  /** Its full hash. */
  readonly commit: string
  readonly directory: string
  /** Runs a command to its end and reads what it prints with `--json`. */
  run(
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    stdin?: string,
  ): Promise<unknown>
  serve(environment: Readonly<Record<string, string>>): Promise<OldServer>
  remove(): void
}

export interface OldServer {
  readonly url: string
  output(): string
  end(signal?: NodeJS.Signals): Promise<number | null>
}

/** Builds a commit in a directory of its own, with the packages of this checkout. */
export function buildVersion(name: string): OldVersion {
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: checkout, encoding: 'utf8' }).trim()
  const commit = git('rev-parse', `${name}^{commit}`)
  const parent = mkdtempSync(join(tmpdir(), 'mintage-version-'))
  const directory = join(parent, 'mintage')
  git('worktree', 'add', '--quiet', '--detach', directory, commit)
  // The link to the verifier is relative, and so names the one of that commit.
  const [from, to] = [join(checkout, 'node_modules'), join(directory, 'node_modules')]
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore' })
  } catch {
    execFileSync('cp', ['-a', from, to])
  }
  execFileSync(process.execPath, [join(directory, 'node_modules/typescript/bin/tsc'), '-b'], {
    cwd: directory,
    stdio: 'inherit',
  })
  const executable = join(directory, 'dist/src/main.js')
  return {
    commit,
    directory,
    run: (args, environment, stdin = '') => run(executable, args, environment, stdin),
    serve: (environment) => serve(executable, environment),
    remove() {
      git('worktree', 'remove', '--force', directory)
      rmSync(parent, { recursive: true, force: true })
    },
  }
}

async function run(
  executable: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  stdin: string,
): Promise<unknown> {
  const child = spawn(process.execPath, [executable, ...args, '--json'], {
    env: cleanEnvironment(environment),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.end(stdin)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`mintage ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trim() === '' ? undefined : JSON.parse(stdout)
}

async function serve(executable: string, environment: Readonly<Record<string, string>>): Promise<OldServer> {
  const child = spawn(process.execPath, [executable, 'serve'], {
    env: cleanEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = once(child, 'close').then(([code]) => code as number | null)
  const url = await new Promise<string>((resolve, reject) => {
    const read = (text: string) => {
      output += text
      const found = /"event":"listening","url":"([^"]+)"/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
    exited.then((code) => reject(new Error(`It ended with ${code}: ${output}`)))
  })
  return {
    url,
    output: () => output,
    end(signal = 'SIGTERM') {
      child.kill(signal)
      return exited
    },
  }
}
