import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { type SecretName, type Vault, VaultError } from '../../src/keys/vault.ts'

/** A kind of vault; each test opens one of its own, empty. */
export interface TestVault {
  readonly name: string
  open(t: ExecutionContext): Promise<{
    readonly vault: Vault
    /** Another process's view of the same vault. */
    another(): Promise<Vault>
  }>
}

export const kid = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'
export const signingKey: SecretName = { kind: 'signing-key', kid }
export const macKey: SecretName = { kind: 'mac-key', id: 4_294_967_295 }
export const auditKey: SecretName = { kind: 'audit-key', id: 4_294_967_295 }

const sort = (names: readonly SecretName[]) => names.map((name) => JSON.stringify(name)).sort()

/** What every vault does, wherever it keeps its secrets. */
export function testVault({ name, open }: TestVault): void {
  test(`${name}: what was saved is loaded again, by another process too, each under its own name`, async (t) => {
    const { vault, another } = await open(t)
    const pem = `-----BEGIN PRIVATE KEY-----\n${randomBytes(9_000).toString('base64')}\n`
    await vault.save(signingKey, pem)
    await vault.save(macKey, 'mac')
    await vault.save(auditKey, 'ä\u0000☃')
    for (const each of [vault, await another()]) {
      t.is(await each.load(signingKey), pem)
      t.is(await each.load(macKey), 'mac')
      t.is(await each.load(auditKey), 'ä\u0000☃')
      t.deepEqual(sort(await each.list()), sort([signingKey, macKey, auditKey]))
    }
  })

  test(`${name}: a secret is never overwritten, and of many who save at once one does`, async (t) => {
    const { vault, another } = await open(t)
    const vaults = [vault, await another()]
    const saving = Array.from({ length: 8 }, (_, n) =>
      vaults[n % 2]?.save(signingKey, `secret ${n}`).then(
        () => n,
        (error: unknown) => {
          t.true(error instanceof VaultError)
          t.is(error instanceof VaultError && error.problem, 'exists')
          return undefined
        },
      ),
    )
    const saved = (await Promise.all(saving)).filter((n) => n !== undefined)
    t.is(saved.length, 1)
    t.is(await vault.load(signingKey), `secret ${saved[0]}`)
    const error = await t.throwsAsync(vault.save(signingKey, 'another'), { instanceOf: VaultError })
    t.is(error?.problem, 'exists')
    t.true(error?.message.startsWith(`${vault.locate(signingKey)} exists already`), error?.message)
    t.is(await vault.load(signingKey), `secret ${saved[0]}`)
  })

  test(`${name}: a secret that is not there is missing, by its name and with a way on`, async (t) => {
    const { vault } = await open(t)
    await vault.save(auditKey, 'there')
    for (const [each, command] of [
      [signingKey, `mintage keys revoke ${kid}`],
      [macKey, 'mintage keys revoke --all'],
    ] as const) {
      const error = await t.throwsAsync(vault.load(each), { instanceOf: VaultError })
      t.is(error?.problem, 'missing')
      t.true(error?.message.startsWith(`${vault.locate(each)} is missing: `), error?.message)
      t.true(error?.message.includes(command), error?.message)
    }
  })

  test(`${name}: a deleted secret is gone for everybody, and deleting it again does no harm`, async (t) => {
    const { vault, another } = await open(t)
    const other = await another()
    await vault.save(signingKey, 'one')
    await vault.save(macKey, 'two')
    await other.delete(signingKey)
    await other.delete(signingKey)
    t.deepEqual(await vault.list(), [macKey])
    await t.throwsAsync(vault.load(signingKey), { message: / is missing: / })
    await vault.save(signingKey, 'three')
    t.is(await other.load(signingKey), 'three')
  })

  test(`${name}: no name leads out of the vault`, async (t) => {
    const { vault } = await open(t)
    for (const bad of ['../../etc/passwd', '', 'a/b', `${kid}\n`, `../${'A'.repeat(40)}`]) {
      t.throws(() => vault.locate({ kind: 'signing-key', kid: bad }), { instanceOf: TypeError })
      await t.throwsAsync(async () => vault.save({ kind: 'signing-key', kid: bad }, 'x'))
    }
    t.throws(() => vault.locate({ kind: 'mac-key', id: -1 }), { instanceOf: TypeError })
    t.deepEqual(await vault.list(), [])
  })
}
