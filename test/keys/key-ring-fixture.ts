import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Event } from '../../src/events/event.ts'
import { DirectoryVault } from '../../src/keys/directory-vault.ts'
import { KeyRing, type KeyRingOptions } from '../../src/keys/key-ring.ts'
import { RingKeeper } from '../../src/keys/ring-keeper.ts'
import type { KeyPolicy } from '../../src/keys/schedule.ts'
import { type SecretName, type Vault, VaultError } from '../../src/keys/vault.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { day, minute, second } from '../../src/lib/durations.ts'
import type { KeyRecord, KeyState, RingRecord } from '../../src/store/key-table.ts'
import type { SecretReader } from '../../src/store/secret-table.ts'
import { openStore, type Store } from '../../src/store/store.ts'

export const policy: KeyPolicy = {
  rotation: 30 * day,
  bits: 2048,
  jwksMaxAge: 5 * minute,
  tokenLife: 15 * minute,
  sessionIdle: 7 * day,
}

/** Twice the longest `max-age` and the skew, by the policy above. */
export const grace = 11 * minute

/** A clock that only a test moves. */
export class TestClock implements Clock {
  #now = 1_700_000_000_000

  now(): number {
    return this.#now
  }

  pass(duration: number): void {
    this.#now += duration
  }
}

/** A vault that loads no signing key but those that it was shown. */
export class PartialVault implements Vault {
  readonly #vault: Vault
  readonly #shown: Set<string>

  constructor(vault: Vault, shown: readonly KeyRecord[]) {
    this.#vault = vault
    this.#shown = new Set(shown.map((key) => key.kid))
  }

  show(key: { readonly kid: string }): void {
    this.#shown.add(key.kid)
  }

  async load(name: SecretName): Promise<string> {
    if (name.kind !== 'signing-key' || this.#shown.has(name.kid)) return this.#vault.load(name)
    throw new VaultError('missing', `${this.locate(name)} is missing: it is on another node.`)
  }

  locate(name: SecretName): string {
    return this.#vault.locate(name)
  }

  confirm(secrets: SecretReader): Promise<void> {
    return this.#vault.confirm(secrets)
  }

  save(name: SecretName, secret: string): Promise<void> {
    return this.#vault.save(name, secret)
  }

  delete(name: SecretName): Promise<void> {
    return this.#vault.delete(name)
  }

  list(): Promise<readonly SecretName[]> {
    return this.#vault.list()
  }
}

export async function makeDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'mintage-keys-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** One database and one directory of keys, and as many processes on them as a test opens. */
export class Installation {
  readonly clock = new TestClock()
  readonly events: Event[] = []
  readonly errors: unknown[] = []
  readonly keys: string
  readonly vault: DirectoryVault
  readonly #t: ExecutionContext
  readonly #database: string

  private constructor(t: ExecutionContext, directory: string) {
    this.#t = t
    this.#database = join(directory, 'mintage.db')
    this.keys = join(directory, 'keys')
    this.vault = new DirectoryVault(this.keys)
  }

  /** Nothing yet: no database, no directory of keys. */
  static async make(t: ExecutionContext): Promise<Installation> {
    return new Installation(t, await makeDirectory(t))
  }

  /** A copy of one that was started once, at the time that the clock shows: making RSA keys takes long. */
  static async makeStarted(t: ExecutionContext): Promise<Installation> {
    started ??= start()
    const directory = await makeDirectory(t)
    await mkdir(join(directory, 'keys'), { mode: 0o700 })
    for (const [path, content] of await started)
      await writeFile(join(directory, path), content, { mode: 0o600 })
    return new Installation(t, directory)
  }

  async openStore(clock: Clock = this.clock): Promise<Store> {
    const { events } = this
    const store = await openStore({
      url: `sqlite:${this.#database}`,
      clock,
      onEvent: (event) => events.push(event),
    })
    this.#t.teardown(() => store.close())
    return store
  }

  /** Opens a ring as a process of its own would: with a connection of its own. */
  async openRing(changed: Partial<KeyRingOptions> = {}): Promise<KeyRing> {
    const ring = await KeyRing.open(await this.#options(changed))
    this.#t.teardown(() => ring.close())
    return ring
  }

  /** What a command of the operator uses. */
  async openKeeper(): Promise<RingKeeper> {
    return new RingKeeper(await this.#options({}))
  }

  file(key: { readonly kid: string }): string {
    return this.vault.locate({ kind: 'signing-key', kid: key.kid })
  }

  async #options(changed: Partial<KeyRingOptions>): Promise<KeyRingOptions> {
    const { clock, errors, vault } = this
    const store = changed.store ?? (await this.openStore())
    return { vault, policy, clock, onError: (error) => errors.push(error), ...changed, store }
  }
}

/** The files of an installation that was started once, by their path inside it. */
let started: Promise<ReadonlyMap<string, Buffer>> | undefined

async function start(): Promise<ReadonlyMap<string, Buffer>> {
  const directory = await mkdtemp(join(tmpdir(), 'mintage-keys-'))
  try {
    const store = await openStore({ url: `sqlite:${join(directory, 'mintage.db')}`, clock: new TestClock() })
    const vault = new DirectoryVault(join(directory, 'keys'))
    await new RingKeeper({ store, vault, policy, onError: () => undefined }).advance()
    await store.close()
    const paths = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = paths.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    return new Map(
      await Promise.all(
        files.map(async (path) => [relative(directory, path), await readFile(path)] as const),
      ),
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

export function keyIn(ring: RingRecord, state: KeyState): KeyRecord {
  const key = ring.keys.find((key) => key.state === state)
  if (!key) throw new Error(`The ring has no key that is ${state}.`)
  return key
}

/** Waits until `condition` holds, for as long as the change feed may take and more. */
export async function eventually(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    if (waited > 20 * second) throw new Error('It did not happen within 20 s.')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
