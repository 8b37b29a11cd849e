import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { day } from '../../src/lib/durations.ts'
import { writeRefreshToken } from '../../src/sessions/refresh-token.ts'
import { installMintage, type MintageRecipe } from '../installation.ts'
import { findFreePort } from '../server-process.ts'
import { type Filled, fill, handleOf } from './fill.ts'

/** What is kept of a world beside its database. */
interface Kept extends Filled {
  readonly sessions: number
  readonly expired: number
  readonly seed: string
  readonly filledAt: number
  readonly recipe: MintageRecipe
  /** How many sessions were drawn, so that none is drawn twice. */
  drawn: number
}

/** Sessions idle for a week; a world that is kept serves for less. */
const keptFor = 5 * day

/** Steps through all numbers below a power of ten in an order that has nothing to do with theirs. */
const step = 618_033_989

/** An installation with so many sessions, in a directory of its own. */
export class World {
  readonly directory: string
  readonly #kept: Kept

  private constructor(directory: string, kept: Kept) {
    this.directory = directory
    this.#kept = kept
  }

  /** The world that is kept in the directory, if it is young and most of its sessions were not drawn yet, or a new one. */
  static async open(directory: string, sessions: number, executable: string): Promise<World> {
    const kept = readKept(directory)
    const isFresh =
      kept !== undefined && Date.now() - kept.filledAt < keptFor && 2 * kept.drawn < kept.sessions
    const isGood = isFresh && kept.sessions === sessions
    if (kept && isGood) return new World(directory, await serveBy(executable, kept))
    return World.make(directory, sessions, executable)
  }

  /** A new world; whatever stood in the directory is gone. */
  static async make(directory: string, sessions: number, executable: string, expired = 0): Promise<World> {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const { recipe } = await installMintage('mintage', executable, directory, 0)
    const seed = randomBytes(16).toString('hex')
    const filled = await fill({ path: databaseOf(directory), sessions, seed, expired })
    const world = new World(directory, {
      ...filled,
      sessions,
      expired,
      seed,
      filledAt: Date.now(),
      recipe,
      drawn: 0,
    })
    world.#keep()
    return world
  }

  get sessions(): number {
    return this.#kept.sessions
  }

  /** How many of them have not expired. */
  get live(): number {
    return this.#kept.sessions - this.#kept.expired
  }

  get filled(): Filled {
    return this.#kept
  }

  get recipe(): MintageRecipe {
    return this.#kept.recipe
  }

  get database(): string {
    return databaseOf(this.directory)
  }

  /**
   * The refresh tokens of so many live sessions, spread over all, which were never drawn before. They are computed as
   * the server computes them, from its own MAC key.
   */
  draw(count: number): readonly string[] {
    const { sessions, expired, seed, drawn, macKey: id } = this.#kept
    const live = sessions - expired
    const most = Math.min(count, live)
    const secret = readFileSync(join(this.directory, 'mintage-keys', `mac-${id}.key`), 'utf8')
    const macKey = { id, key: Buffer.from(secret.trim(), 'base64url') }
    const tokens = Array.from({ length: most }, (_, turn) => {
      const number = expired + (((drawn + turn) * step) % live)
      return writeRefreshToken({ handle: handleOf(seed, number), generation: 1 }, macKey)
    })
    this.#kept.drawn += most
    this.#keep()
    if (this.#kept.drawn > live) throw new Error('Every session was drawn already: make the world anew.')
    return tokens
  }

  /** Lets the system forget what it remembers of the database's file, so that it is read from the disk again. */
  forgetFile(): void {
    execFileSync('dd', [`if=${this.database}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' })
  }

  /** Reads the whole file, so that the system remembers it again. */
  rememberFile(): void {
    execFileSync('dd', [`if=${this.database}`, 'of=/dev/null', 'bs=1M'], { stdio: 'ignore' })
  }

  #keep(): void {
    writeFileSync(join(this.directory, 'world.json'), JSON.stringify(this.#kept), { mode: 0o600 })
  }
}

function databaseOf(directory: string): string {
  return join(directory, 'mintage.db')
}

function readKept(directory: string): Kept | undefined {
  const path = join(directory, 'world.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** The port that it had may be taken, and nothing that is kept depends on the name of the issuer. */
async function serveBy(executable: string, kept: Kept): Promise<Kept> {
  const port = await findFreePort()
  const environment = {
    ...kept.recipe.environment,
    MINTAGE_ISSUER: `http://127.0.0.1:${port}`,
    MINTAGE_PORT: String(port),
  }
  return { ...kept, recipe: { ...kept.recipe, args: [executable, 'serve'], environment, port } }
}
