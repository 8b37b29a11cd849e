import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'
import type { MintageRecipe } from '../installation.ts'

/** An answer of the token endpoint. */
export interface Answer {
  readonly status: number
  readonly scope: string | undefined
  readonly refreshToken: string | undefined
}

/** How a command ended, and when, by the clock of the wall. */
export interface Ended {
  readonly at: number
  readonly printed: Readonly<Record<string, unknown>>
}

/** A running server, and the commands that change what it goes by. */
export class World {
  readonly #recipe: MintageRecipe

  constructor(recipe: MintageRecipe) {
    this.#recipe = recipe
  }

  /** Runs a command as an operator does: a process of its own. @throws when it fails. */
  async run(args: readonly string[], stdin = ''): Promise<Ended> {
    const [executable = ''] = this.#recipe.args
    const child = spawn(process.execPath, [executable, ...args, '--json'], {
      env: { ...process.env, ...this.#recipe.environment, MINTAGE_BCRYPT_COST: '4' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stdin.end(stdin)
    const [code] = await once(child, 'exit')
    const at = Date.now()
    if (code !== 0) throw new Error(`mintage ${args.join(' ')} ended with ${code}.`)
    if (!child.stdout.readableEnded) await once(child.stdout, 'end')
    return { at, printed: JSON.parse(stdout) }
  }

  async token(client: string, secret: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.#recipe.port}/oauth2/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}` },
      body: new URLSearchParams(form),
    })
    const body = (await response.json()) as Readonly<Record<string, unknown>>
    const text = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined)
    return { status: response.status, scope: text('scope'), refreshToken: text('refresh_token') }
  }

  /** When the last change was recorded: the moment at which its transaction began, a commit before it was durable. */
  lastChangeAt(): number {
    const Sqlite = loadSqliteDriver()
    const [, path = ''] = /^sqlite:(.+)$/.exec(this.#recipe.environment['MINTAGE_DATABASE_URL'] ?? '') ?? []
    const database = new Sqlite(path, { readonly: true })
    try {
      const changes = "type NOT LIKE 'login.%' AND type NOT LIKE 'session.%'"
      const row = database.prepare(`SELECT max(at) AS at FROM audit WHERE ${changes}`).get() as { at: number }
      return row.at
    } finally {
      database.close()
    }
  }
}
