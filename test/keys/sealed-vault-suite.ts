import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { VaultAdmin } from '../../src/admin/vault-admin.ts'
import { createVaults, type Vaults } from '../../src/keys/installed-vault.ts'
import { type Vault, VaultError } from '../../src/keys/vault.ts'
import { VaultKey } from '../../src/keys/vault-key.ts'
import type { Store } from '../../src/store/store.ts'
import { openTestStore, type TestEngine } from '../store/test-database.ts'
import { auditKey, macKey, signingKey, testVault } from './vault-suite.ts'

const nowhere = '/nonexistent/keys'

function seal(store: Store, vaultKey: Buffer, vaultKeyPrevious?: Buffer): Vaults {
  return createVaults({ keysDir: nowhere, vaultKey, vaultKeyPrevious }, store)
}

const refused = (t: ExecutionContext, doing: Promise<unknown>, problem: VaultError['problem']) =>
  t.throwsAsync(doing, { instanceOf: VaultError }).then((error) => {
    t.is(error?.problem, problem, error?.message)
    return error?.message ?? ''
  })

/** Keys that are sealed in a database of the engine. */
export function testSealedVault(engine: TestEngine): void {
  const title = (text: string) => `${engine.name}, sealed: ${text}`
  const one = randomBytes(32)
  const two = randomBytes(32)

  testVault({
    name: `${engine.name}, sealed`,
    async open(t) {
      const { store, another } = await openTestStore(t, engine)
      return {
        vault: seal(store, one).configured,
        another: async () => seal(await another(), one).configured,
      }
    },
  })

  test(
    title('nothing in the database tells a secret or a vault key, and no two rows are alike'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const vault = seal(store, one).configured
      await vault.save(signingKey, 'tulip-7')
      await vault.save(macKey, 'tulip-7')
      const rows = await store.secrets.all()
      t.is(new Set(rows.map((row) => row.sealed.slice(2))).size, 2)
      for (const { sealed, vaultKey } of rows) {
        const bytes = Buffer.from(sealed, 'base64url')
        t.is(bytes.length, 1 + 12 + 'tulip-7'.length + 16)
        for (const plain of ['tulip-7', one, one.subarray(0, 8)]) t.false(bytes.includes(plain))
        t.false(one.includes(Buffer.from(vaultKey, 'base64url')))
      }
    },
  )

  test(
    title('row 28: a row that was changed, swapped or brought from elsewhere does not open'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const { store: foreign } = await openTestStore(t, engine)
      const vault = seal(store, one).configured
      const other = seal(foreign, one).configured
      const secret = randomBytes(32).toString('base64url')
      await vault.save(macKey, secret)
      await vault.save(auditKey, 'another')
      await other.save(macKey, secret)
      const [audit, mac] = await store.secrets.all()
      const brought = await foreign.secrets.find(mac?.name ?? '')
      if (!audit || !mac || !brought) return t.fail()
      const bytes = Buffer.from(mac.sealed, 'base64url')
      const flipped = [...bytes.keys()].map((at) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ 1
        return damaged.toString('base64url')
      })
      const cut = [bytes.subarray(0, -1), bytes.subarray(1), bytes.subarray(0, 20), Buffer.of()]
      const damaged = [...flipped, ...cut.map((each) => each.toString('base64url')), `${mac.sealed}=`]
      for (const sealed of [...damaged, audit.sealed, brought.sealed]) {
        await store.secrets.replace({ ...mac, sealed })
        const message = await refused(t, vault.load(macKey), 'corrupt')
        t.regex(message, /^Row mac-key\/4294967295 of sealed_secrets does not open: .*keys revoke --all/)
      }
      await store.secrets.replace(mac)
      t.is(await vault.load(macKey), secret)
      t.is(await vault.load(auditKey), 'another')
    },
  )

  test(
    title('row 28: another vault key opens nothing, keeps nothing, and both are told by their ids'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      await seal(store, one).configured.save(macKey, 'secret')
      const wrong = seal(store, two).configured
      const ids = [new VaultKey(one).id, new VaultKey(two).id] as const
      for (const doing of [wrong.load(macKey), wrong.save(auditKey, 'x'), wrong.confirm(store.secrets)]) {
        const message = await refused(t, doing, 'locked')
        t.true(message.includes(`vault key ${ids[0]}, and MINTAGE_VAULT_KEY is ${ids[1]}: set `), message)
        for (const key of [one, two]) t.false(message.includes(key.toString('base64url')))
      }
      t.is((await store.secrets.all()).length, 1)
      t.is((await store.secrets.standing()).vaultKey, ids[0])
    },
  )

  test(title('a change of the vault key leaves no node behind on the way'), async (t) => {
    const { store, another } = await openTestStore(t, engine)
    const before = seal(store, one)
    await before.configured.save(macKey, 'mac')
    // One node after the other gets to know both; what they make is for all until the keys are sealed anew.
    const both = seal(await another(), two, one)
    await both.configured.save(signingKey, 'pem')
    t.is(await before.configured.load(signingKey), 'pem')
    const admin = new VaultAdmin({ store, vaults: both })
    t.is(await admin.reseal(), 2)
    t.is(await admin.reseal(), 0)
    await both.configured.save(auditKey, 'audit')
    const after = seal(store, two).configured
    for (const vault of [both.configured, after]) {
      t.is(await vault.load(macKey), 'mac')
      t.is(await vault.load(signingKey), 'pem')
      t.is(await vault.load(auditKey), 'audit')
    }
    await refused(t, before.configured.load(macKey), 'locked')
    await refused(t, before.configured.save({ kind: 'mac-key', id: 7 }, 'x'), 'locked')
    const resealed = (await store.audit.tail(10)).filter(({ event }) => event.type === 'vault.resealed')
    t.is(resealed.length, 1)
  })

  test(
    title('whoever saves while the keys are sealed anew leaves no row under the old vault key'),
    async (t) => {
      const { store, another } = await openTestStore(t, engine)
      const both = seal(store, two, one)
      const late = seal(await another(), two, one).configured
      await seal(store, one).configured.save(macKey, 'mac')
      const saving = Array.from({ length: 12 }, (_, n) => late.save({ kind: 'mac-key', id: n + 1 }, `${n}`))
      await Promise.all([...saving, new VaultAdmin({ store, vaults: both }).reseal()])
      const rows = await store.secrets.all()
      t.is(rows.length, 13)
      t.deepEqual([...new Set(rows.map((row) => row.vaultKey))], [new VaultKey(two).id])
      const after = seal(store, two).configured
      for (let n = 0; n < 12; n++) t.is(await after.load({ kind: 'mac-key', id: n + 1 }), `${n}`)
    },
  )

  test(
    title('a row that does not open stops the change of the vault key, which then has changed nothing'),
    async (t) => {
      const { store } = await openTestStore(t, engine)
      const vault: Vault = seal(store, one).configured
      await vault.save(macKey, 'mac')
      await vault.save(signingKey, 'pem')
      const [mac, pem] = await store.secrets.all()
      if (!mac || !pem) return t.fail()
      await store.secrets.replace({ ...pem, sealed: mac.sealed })
      const before = await store.secrets.all()
      const resealing = new VaultAdmin({ store, vaults: seal(store, two, one) }).reseal()
      const message = await refused(t, resealing, 'corrupt')
      t.regex(message, /^Row signing-key\//)
      t.deepEqual(await store.secrets.all(), before)
      t.is((await store.secrets.standing()).vaultKey, new VaultKey(one).id)
    },
  )

  test(title('while the database is away, the vault says that and nothing of its keys'), async (t) => {
    const { store, database } = await openTestStore(t, engine)
    const vault = seal(store, one).configured
    await vault.save(macKey, 'mac')
    const restore = await database.interrupt()
    await t.throwsAsync(vault.save(auditKey, 'x'), { name: 'StoreUnavailableError' })
    await restore()
    t.is(await vault.load(macKey), 'mac')
  })
}
