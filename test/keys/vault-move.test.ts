import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import test from 'ava'
import { VaultAdmin } from '../../src/admin/vault-admin.ts'
import { VaultAuditKeys } from '../../src/keys/audit-keys.ts'
import { DirectoryVault } from '../../src/keys/directory-vault.ts'
import { createVaults, findPresent, type Vaults } from '../../src/keys/installed-vault.ts'
import { RingKeeper } from '../../src/keys/ring-keeper.ts'
import { loadView } from '../../src/keys/ring-view.ts'
import { type SecretName, VaultError } from '../../src/keys/vault.ts'
import { VaultMove } from '../../src/keys/vault-move.ts'
import type { Store } from '../../src/store/store.ts'
import { Installation, policy } from './key-ring-fixture.ts'

/** A directory whose process is killed at the `left`-th touch of a file. */
class MortalDirectory extends DirectoryVault {
  #left: number

  constructor(directory: string, left: number) {
    super(directory)
    this.#left = left
  }

  override save(name: SecretName, secret: string): Promise<void> {
    this.#touch()
    return super.save(name, secret)
  }

  override load(name: SecretName): Promise<string> {
    this.#touch()
    return super.load(name)
  }

  override delete(name: SecretName): Promise<void> {
    this.#touch()
    return super.delete(name)
  }

  #touch(): void {
    if (this.#left-- === 0) throw new Error('killed')
  }
}

async function start(installation: Installation) {
  const store = await installation.openStore()
  const vaultKey = randomBytes(32)
  const vaults = createVaults({ keysDir: installation.keys, vaultKey, vaultKeyPrevious: undefined }, store)
  const auditKey = await new VaultAuditKeys(vaults.directory).make()
  await store.auditChain.setKey(null, auditKey)
  return { store, vaults, auditKey, admin: new VaultAdmin({ store, vaults }) }
}

/** That a node which is started with the right settings can use every key. */
async function checkKeys(store: Store, vaults: Vaults, auditKey: number): Promise<readonly string[]> {
  const vault = await findPresent(vaults, store)
  await vault.confirm(store.secrets)
  await vault.load({ kind: 'audit-key', id: auditKey })
  return (await loadView(await store.keys.read(), vault)).problems.map((problem) => problem.message)
}

test('a move that is killed at any file loses no key, and is finished by the next one', async (t) => {
  const installation = await Installation.makeStarted(t)
  const { store, vaults, auditKey, admin } = await start(installation)
  const { sealed } = vaults
  if (!sealed) return t.fail()
  const files = (await readdir(installation.keys)).sort()
  t.is(files.length, 4)
  let kills = 0
  for (const to of ['database', 'directory'] as const) {
    for (let touches = 0, isDone = false; !isDone; touches++) {
      const mortal = new MortalDirectory(installation.keys, touches)
      const move = new VaultMove(store, mortal, sealed)
      const moving =
        to === 'database'
          ? move.intoDatabase().then(() => move.deleteFiles())
          : move.intoDirectory().then(() => [])
      isDone = await moving.then(
        () => true,
        (error: Error) => {
          t.is(error.message, 'killed')
          kills++
          return false
        },
      )
      t.deepEqual(await checkKeys(store, vaults, auditKey), [], `${to} after ${touches}`)
    }
    t.deepEqual((await readdir(installation.keys)).sort(), to === 'database' ? [] : files)
  }
  t.true(kills >= 8, `${kills}`)
  t.deepEqual(await admin.move('directory'), { moved: 0, left: [] })
  t.deepEqual(await store.secrets.all(), [])
})

test('a server that has not heard of a move makes no key where nobody looks for it', async (t) => {
  const installation = await Installation.makeStarted(t)
  const { store, vaults, auditKey, admin } = await start(installation)
  const problems: unknown[] = []
  const beside = await installation.openStore()
  const unaware = new RingKeeper({
    store: beside,
    vault: createVaults(
      { keysDir: installation.keys, vaultKey: undefined, vaultKeyPrevious: undefined },
      beside,
    ).configured,
    policy,
    onError: (error) => problems.push(error),
  })
  t.is((await admin.move('database')).moved, 4)
  const { version } = await store.keys.read()
  for (const change of [
    () => unaware.rotateMac(),
    () => unaware.revokeAll(async () => undefined),
    () =>
      new VaultAuditKeys(
        createVaults({ keysDir: installation.keys, vaultKey: undefined, vaultKeyPrevious: undefined }, beside)
          .configured,
      ).make(),
  ]) {
    const error = await t.throwsAsync<VaultError>(change, { instanceOf: VaultError })
    t.is(error?.problem, 'elsewhere')
    t.regex(error?.message ?? '', /sealed in the database .* set MINTAGE_VAULT_KEY/)
  }
  t.is((await store.keys.read()).version, version)
  t.deepEqual(await readdir(installation.keys), [])
  t.deepEqual(await checkKeys(store, vaults, auditKey), [])
})

test('a rotation and a move at the same moment leave every key of the ring in one vault', async (t) => {
  const installation = await Installation.makeStarted(t)
  const { store, vaults, auditKey, admin } = await start(installation)
  for (let round = 0; round < 4; round++) {
    const beside = await installation.openStore()
    const settings = { keysDir: installation.keys, vaultKey: undefined, vaultKeyPrevious: undefined }
    const old = round % 2 === 0 ? createVaults(settings, beside).configured : vaults.configured
    const keeper = new RingKeeper({ store: beside, vault: old, policy, onError: () => undefined })
    const rotating = keeper.rotateMac().catch((error: unknown) => {
      t.true(error instanceof VaultError && error.problem === 'elsewhere', String(error))
    })
    const to = round % 2 === 0 ? 'database' : 'directory'
    await Promise.all([rotating, admin.move(to)])
    // What the rotation kept at the last moment is taken over by the next move.
    await admin.move(to)
    t.deepEqual(await checkKeys(store, vaults, auditKey), [], `round ${round}`)
  }
})

test('a file that is no key of the database is left where it is, and told', async (t) => {
  const installation = await Installation.makeStarted(t)
  const { vaults, admin } = await start(installation)
  const stray: SecretName = { kind: 'mac-key', id: 7 }
  await vaults.directory.save(stray, 'left over')
  t.deepEqual(await admin.move('database'), { moved: 4, left: [vaults.directory.locate(stray)] })
  t.deepEqual(await readdir(installation.keys), ['mac-7.key'])
})

test('a file that cannot be used stops the move, with nothing moved', async (t) => {
  const installation = await Installation.makeStarted(t)
  const { store, vaults, admin } = await start(installation)
  const [key] = (await store.keys.read()).keys
  await vaults.directory.delete({ kind: 'signing-key', kid: key?.kid ?? '' })
  await t.throwsAsync(admin.move('database'), { instanceOf: VaultError, message: / is missing: / })
  t.deepEqual(await store.secrets.all(), [])
  t.is((await store.secrets.standing()).vaultKey, null)
  t.is((await readdir(installation.keys)).length, 3)
})
