import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../support/child-issuer.ts'

const directory = fileURLToPath(new URL('../../../test/moving-in/project', import.meta.url))

/** Where a project keeps its users: in the SQLite file, or in the database of that name at the PostgreSQL on the port. */
export type ProjectDatabase =
  | { readonly sqlite: string }
  | { readonly postgres: string; readonly port: number }

/** A real Django project, run by the interpreter that `DJANGO_PYTHON` names. */
export class DjangoProject {
  /** What `mintage user import` is told. */
  readonly source: string
  readonly #environment: Readonly<Record<string, string>>

  /**
   * @param model the user model, where it is not Django's own.
   * @param more variables that the project's settings read.
   */
  constructor(database: ProjectDatabase, model?: string, more: Readonly<Record<string, string>> = {}) {
    this.#environment = {
      ...('sqlite' in database
        ? { SQLITE_PATH: database.sqlite }
        : { POSTGRES_PORT: String(database.port), POSTGRES_DB: database.postgres }),
      ...(model !== undefined && { USER_MODEL: model }),
      DJANGO_SETTINGS_MODULE: 'settings',
      PYTHONPATH: directory,
      PYTHONDONTWRITEBYTECODE: '1',
      ...more,
    }
    this.source =
      'sqlite' in database
        ? database.sqlite
        : `postgres://postgres@127.0.0.1:${database.port}/${database.postgres}`
  }

  /** Makes the tables. */
  async migrate(): Promise<void> {
    await this.manage(['migrate', '--run-syncdb', '-v0'])
  }

  /** @returns what it prints. @throws {Error} with what it says when it fails. */
  manage(args: readonly string[], stdin = '', more: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.python(['manage.py', ...args], stdin, more)
  }

  /** Runs a script in the project, by `manage.py shell`. */
  run(script: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.manage(['shell', '-v0'], script, more)
  }

  async python(
    args: readonly string[],
    stdin = '',
    more: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const python = process.env['DJANGO_PYTHON']
    if (python === undefined) throw new Error('DJANGO_PYTHON names no interpreter: run .ci/moving-in.')
    const env = cleanEnvironment({ ...this.#environment, ...more })
    const child = spawn(python, args, { cwd: directory, env })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.stdin.end(stdin)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}${stdout}`)
    return stdout
  }

  /** Which of the names log in with the password, as Django's own backend says. */
  async authenticate(names: readonly string[], password: string): Promise<readonly string[]> {
    const printed = await this.run(
      'import json, os\n' +
        'from django.contrib.auth import authenticate\n' +
        "names, password = json.loads(os.environ['LOGINS'])\n" +
        'print(json.dumps([n for n in names if authenticate(username=n, password=password) is not None]))\n',
      { LOGINS: JSON.stringify([names, password]) },
    )
    return JSON.parse(printed)
  }
}

/** A script of the project's folder. */
export function scriptPath(name: string): string {
  return `${directory}/${name}`
}
