import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVaults } from '../../src/keys/installed-vault.ts'
import { isWithdrawn } from '../../src/keys/schedule.ts'
import type { Vault } from '../../src/keys/vault.ts'
import { openDatabase } from '../../src/store/database.ts'
import { openStore, type Store } from '../../src/store/store.ts'

export interface PlaceOptions {
  readonly vault: 'directory' | 'sealed'
  /** A PostgreSQL where a database may be made; SQLite otherwise. */
  readonly server: string | undefined
}

/** A new database, and a place for the keys. */
export interface Place {
  readonly directory: string
  /** What a node is to be started with. */
  readonly environment: Readonly<Record<string, string>>
  readonly databaseUrl: string
  /** The vault as a process of its own has it that uses this store. */
  openVault(store: Store): Vault
  /** How many signing and MAC keys lie in the vault that the ring does not name. */
  countOrphans(): Promise<number>
  remove(): Promise<void>
}

/** Makes a database on the server, or a file. */
export async function makePlace({ vault, server }: PlaceOptions): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  const { url, drop } = server === undefined ? makeFile(directory) : await makeDatabase(server)
  const keysDir = join(directory, 'keys')
  const vaultKey = vault === 'sealed' ? randomBytes(32) : undefined
  const openVault = (store: Store) =>
    createVaults({ keysDir, vaultKey, vaultKeyPrevious: undefined }, store).configured
  return {
    directory,
    databaseUrl: url,
    environment: {
      MINTAGE_DATABASE_URL: url,
      MINTAGE_KEYS_DIR: keysDir,
      ...(vaultKey && { MINTAGE_VAULT_KEY: vaultKey.toString('base64url') }),
    },
    openVault,
    async countOrphans() {
      const store = await openStore({ url })
      try {
        const { keys, macKeys } = await store.keys.read()
        const kids = new Set(keys.filter((key) => !isWithdrawn(key)).map((key) => key.kid))
        const macIds = new Set(macKeys.filter((key) => !isWithdrawn(key)).map((key) => key.id))
        const names = await openVault(store).list()
        return names.filter(
          (name) =>
            (name.kind === 'signing-key' && !kids.has(name.kid)) ||
            (name.kind === 'mac-key' && !macIds.has(name.id)),
        ).length
      } finally {
        await store.close()
      }
    },
    async remove() {
      rmSync(directory, { recursive: true, force: true })
      await drop()
    },
  }
}

function makeFile(directory: string) {
  return { url: `sqlite:${join(directory, 'mintage.db')}`, drop: async () => undefined }
}

async function makeDatabase(server: string) {
  const name = `mintage_${randomUUID().replaceAll('-', '')}`
  const { knex } = openDatabase(server)
  await knex.raw('CREATE DATABASE ??', [name])
  const url = new URL(server)
  url.pathname = name
  return {
    url: url.href,
    async drop() {
      await knex.raw('DROP DATABASE ?? WITH (FORCE)', [name])
      await knex.destroy()
    },
  }
}
