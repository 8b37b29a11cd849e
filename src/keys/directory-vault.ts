import { constants, readdirSync } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { randomToken } from '../lib/ids.ts'
import type { SecretReader } from '../store/secret-table.ts'
import { revocationCommand, type SecretName, type Vault, VaultError } from './vault.ts'

const signingKeyFile = /^([A-Za-z0-9_-]{43})\.pem$/
const numberedFile = /^(mac|audit)-([1-9]\d{0,9})\.key$/

/** Far more than RSA 16384 needs. */
const largestFile = 64 * 1024

/**
 * A vault of files, `KID.pem`, `mac-ID.key` and `audit-ID.key`, each of mode 0600, in a directory that is made (0700) with the first
 * of them. A file appears whole or not at all and is never overwritten. Symbolic links are followed, since
 * Kubernetes mounts secrets as such; the mode that counts is the target's.
 */
export class DirectoryVault implements Vault {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  locate(name: SecretName): string {
    return join(this.#directory, fileName(name))
  }

  async confirm(secrets: Pick<SecretReader, 'standing'>): Promise<void> {
    const { vaultKey } = await secrets.standing()
    if (vaultKey === null) return
    throw new VaultError(
      'elsewhere',
      `The keys of this installation are sealed in the database under the vault key ${vaultKey}, and do not lie in ${this.#directory}: set MINTAGE_VAULT_KEY.`,
    )
  }

  async save(name: SecretName, secret: string): Promise<void> {
    const path = this.locate(name)
    try {
      await makeDirectory(this.#directory)
      const draft = join(this.#directory, `.${randomToken(8)}.tmp`)
      try {
        await writeDraft(draft, secret)
        await publish(draft, path)
      } finally {
        await unlink(draft).catch(ignoreMissing)
      }
      await syncDirectory(this.#directory)
    } catch (error) {
      if (error instanceof VaultError) throw error
      throw new VaultError(
        'unwritable',
        `${path} cannot be written (${reasonOf(error)}): make ${this.#directory} a writable directory with free space.`,
        { cause: error },
      )
    }
  }

  async load(name: SecretName): Promise<string> {
    const path = this.locate(name)
    let file: FileHandle
    try {
      // Non-blocking, so that opening a named pipe does not wait for its other end.
      file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? missing(path, name, error) : unreadable(path, error)
    }
    try {
      return await readGuarded(file, path, name)
    } catch (error) {
      throw error instanceof VaultError ? error : unreadable(path, error)
    } finally {
      await file.close()
    }
  }

  async delete(name: SecretName): Promise<void> {
    const path = this.locate(name)
    try {
      await unlink(path)
      await syncDirectory(this.#directory)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw new VaultError(
        'unwritable',
        `${path} cannot be deleted (${reasonOf(error)}): delete it by hand.`,
        {
          cause: error,
        },
      )
    }
  }

  async list(): Promise<readonly SecretName[]> {
    let files: readonly string[]
    try {
      files = await readdir(this.#directory)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw unreadable(this.#directory, error)
    }
    return files.map(parseFileName).filter((name) => name !== undefined)
  }
}

function fileName(name: SecretName): string {
  const file =
    name.kind === 'signing-key' ? `${name.kid}.pem` : `${name.kind.replace('-key', '')}-${name.id}.key`
  if (parseFileName(file) === undefined) throw new TypeError(`${JSON.stringify(file)} does not name a key.`)
  return file
}

function parseFileName(file: string): SecretName | undefined {
  const kid = signingKeyFile.exec(file)?.[1]
  if (kid !== undefined) return { kind: 'signing-key', kid }
  const [, purpose, id] = numberedFile.exec(file) ?? []
  if (id === undefined) return undefined
  return { kind: purpose === 'mac' ? 'mac-key' : 'audit-key', id: Number(id) }
}

async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = resolve(directory); ; made = dirname(made)) {
    await syncDirectory(dirname(made))
    if (made === resolve(first)) return
  }
}

async function writeDraft(path: string, secret: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    // A strict umask may have taken away even the owner's bits.
    await file.chmod(0o600)
    await file.writeFile(secret)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Gives a draft its name without ever replacing a file. */
async function publish(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw taken(path, error)
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error))) throw error
    // A file system without hard links. Names are digests or random, so nobody else is about to take this one.
    if (await lstat(path).catch(ignoreMissing)) throw taken(path, error)
    await rename(draft, path)
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readGuarded(file: FileHandle, path: string, name: SecretName): Promise<string> {
  const stats = await file.stat()
  if (!stats.isFile()) {
    throw new VaultError(
      'corrupt',
      `${path} is not a regular file: restore the file from a backup or run ${revocationCommand(name)}.`,
    )
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    throw new VaultError(
      'loose',
      `${path} has mode ${mode}, which lets others at it: run \`chmod 600 ${path}\`, and ` +
        `${revocationCommand(name)} if anybody may have read it.`,
    )
  }
  if (stats.size > largestFile) {
    throw new VaultError(
      'corrupt',
      `${path} is too long for a key: restore it from a backup or run ${revocationCommand(name)}.`,
    )
  }
  return await file.readFile('utf8')
}

function taken(path: string, cause: unknown): VaultError {
  return new VaultError('exists', `${path} exists already and was left as it is.`, { cause })
}

function missing(path: string, name: SecretName, cause: unknown): VaultError {
  const directory = dirname(path)
  if (!holdsKeys(directory)) {
    return new VaultError(
      'missing',
      `${path} is missing: ${directory} holds no keys at all, so make MINTAGE_KEYS_DIR name where they are, or bring them back from a backup.`,
      { cause },
    )
  }
  return new VaultError(
    'missing',
    `${path} is missing: restore it from a backup or run ${revocationCommand(name)}.`,
    { cause },
  )
}

/** A directory without any is more likely mistyped than robbed, and a new key would be the wrong way on. */
function holdsKeys(directory: string): boolean {
  try {
    return readdirSync(directory).some((file) => /\.(pem|key)$/.test(file))
  } catch {
    return false
  }
}

function unreadable(path: string, cause: unknown): VaultError {
  return new VaultError(
    'unreadable',
    `${path} cannot be read (${reasonOf(cause)}): make it readable for the user that runs Mintage.`,
    { cause },
  )
}

function ignoreMissing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function reasonOf(error: unknown): string {
  return codeOf(error) || (error instanceof Error ? error.message : String(error))
}
