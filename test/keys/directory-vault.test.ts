import { chmod, mkdir, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { DirectoryVault } from '../../src/keys/directory-vault.ts'
import { VaultError } from '../../src/keys/vault.ts'
import { makeDirectory } from './key-ring-fixture.ts'

const kid = 'A'.repeat(43)
const signingKey = { kind: 'signing-key', kid } as const
const macKey = { kind: 'mac-key', id: 2_147_483_647 } as const

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

test('a vault makes its directory with mode 0700 and its files with mode 0600', async (t) => {
  const directory = join(await makeDirectory(t), 'deep', 'keys')
  const vault = new DirectoryVault(directory)
  await vault.save(signingKey, 'one')
  await vault.save(macKey, 'two')
  t.deepEqual(await readdir(directory), [`${kid}.pem`, 'mac-2147483647.key'])
  t.is(await modeOf(directory), 0o700)
  t.is(await modeOf(join(directory, `${kid}.pem`)), 0o600)
  t.is(await modeOf(join(directory, 'mac-2147483647.key')), 0o600)
  t.is(await vault.load(signingKey), 'one')
  t.is(await vault.load(macKey), 'two')
})

test('a directory that is there keeps its mode, and what else lies in it is ignored', async (t) => {
  const directory = join(await makeDirectory(t), 'keys')
  await mkdir(directory, { mode: 0o755 })
  await writeFile(join(directory, 'README.md'), 'words')
  await writeFile(join(directory, 'mac-0.key'), 'no id')
  await writeFile(join(directory, 'short.pem'), 'no kid')
  const vault = new DirectoryVault(directory)
  await vault.save(macKey, 'secret')
  t.deepEqual(await vault.list(), [macKey])
  t.is(await modeOf(directory), 0o755)
})

test('a vault without a directory is empty, and looking does not make one', async (t) => {
  const parent = await makeDirectory(t)
  const vault = new DirectoryVault(join(parent, 'keys'))
  t.deepEqual(await vault.list(), [])
  await t.throwsAsync(vault.load(signingKey), { instanceOf: VaultError })
  await vault.delete(signingKey)
  t.deepEqual(await readdir(parent), [])
})

test('a file is never overwritten, not even by twenty who save at once', async (t) => {
  const directory = await makeDirectory(t)
  const vault = new DirectoryVault(directory)
  const saves = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => vault.save(signingKey, `secret ${i}`)),
  )
  const winner = saves.findIndex((save) => save.status === 'fulfilled')
  t.is(await vault.load(signingKey), `secret ${winner}`)
  for (const [index, save] of saves.entries()) {
    if (index === winner) continue
    t.true(
      save.status === 'rejected' && save.reason instanceof VaultError && save.reason.problem === 'exists',
    )
  }
  t.deepEqual(await readdir(directory), [`${kid}.pem`], 'the drafts of the losers are gone')
})

test('a secret that cannot be written is told with its name, and nothing is left behind', async (t) => {
  const directory = await makeDirectory(t)
  await writeFile(join(directory, 'keys'), 'a file where the directory should be')
  const vault = new DirectoryVault(join(directory, 'keys'))
  const error = await t.throwsAsync(vault.save(signingKey, 'secret'), { instanceOf: VaultError })
  t.is(error?.problem, 'unwritable')
  t.true(error?.message.startsWith(`${join(directory, 'keys', `${kid}.pem`)} cannot be written (`))
  t.false(error?.message.includes('secret'))
  t.deepEqual(await readdir(directory), ['keys'])
})

for (const mode of [0o640, 0o604, 0o660, 0o610, 0o601, 0o644]) {
  const text = mode.toString(8).padStart(4, '0')
  test(`security 28: a file of mode ${text} is refused with its name and the command that mends it`, async (t) => {
    const vault = new DirectoryVault(await makeDirectory(t))
    const path = vault.locate(signingKey)
    await vault.save(signingKey, 'secret')
    await chmod(path, mode)
    const error = await t.throwsAsync(vault.load(signingKey), { instanceOf: VaultError })
    t.is(
      error?.message,
      `${path} has mode ${text}, which lets others at it: run \`chmod 600 ${path}\`, ` +
        `and \`mintage keys revoke ${kid}\` if anybody may have read it.`,
    )
    await chmod(path, 0o600)
    t.is(await vault.load(signingKey), 'secret')
  })
}

test('security 28: a file that only its owner may read, or read and execute, is accepted', async (t) => {
  const vault = new DirectoryVault(await makeDirectory(t))
  await vault.save(signingKey, 'secret')
  for (const mode of [0o400, 0o700]) {
    await chmod(vault.locate(signingKey), mode)
    t.is(await vault.load(signingKey), 'secret')
  }
})

test('security 28: a missing file is refused with its name and the two ways on', async (t) => {
  const directory = await makeDirectory(t)
  const vault = new DirectoryVault(directory)
  // A directory without any key is more likely the wrong one.
  await t.throwsAsync(vault.load(signingKey), {
    instanceOf: VaultError,
    message: `${vault.locate(signingKey)} is missing: ${directory} holds no keys at all, so make MINTAGE_KEYS_DIR name where they are, or bring them back from a backup.`,
  })
  await writeFile(join(directory, 'mac-1.key'), '', { mode: 0o600 })
  await t.throwsAsync(vault.load(signingKey), {
    instanceOf: VaultError,
    message: `${vault.locate(signingKey)} is missing: restore it from a backup or run \`mintage keys revoke ${kid}\`.`,
  })
  await t.throwsAsync(vault.load(macKey), {
    instanceOf: VaultError,
    message: `${vault.locate(macKey)} is missing: restore it from a backup or run \`mintage keys revoke --all\` (which ends all sessions).`,
  })
})

test('security 28: the mode that counts is that of the file behind a symbolic link', async (t) => {
  const directory = await makeDirectory(t)
  const target = join(directory, 'target')
  const vault = new DirectoryVault(join(directory, 'keys'))
  await mkdir(join(directory, 'keys'))
  await symlink(target, vault.locate(signingKey))
  await t.throwsAsync(vault.load(signingKey), { message: / is missing: / })
  await writeFile(target, 'secret', { mode: 0o600 })
  t.is(await vault.load(signingKey), 'secret')
  await chmod(target, 0o644)
  await t.throwsAsync(vault.load(signingKey), { message: / has mode 0644, / })
})

test('security 28: what is no regular file is refused', async (t) => {
  const vault = new DirectoryVault(await makeDirectory(t))
  const path = vault.locate(signingKey)
  await mkdir(path, { mode: 0o700 })
  await t.throwsAsync(vault.load(signingKey), {
    instanceOf: VaultError,
    message: `${path} is not a regular file: restore the file from a backup or run \`mintage keys revoke ${kid}\`.`,
  })
  await rm(path, { recursive: true })
  await symlink('/dev/zero', path)
  await t.throwsAsync(vault.load(signingKey), { message: / is not a regular file: / })
  await unlink(path)
  await writeFile(path, Buffer.alloc(70_000), { mode: 0o600 })
  await t.throwsAsync(vault.load(signingKey), { message: / is too long for a key: / })
})

test('a deleted secret is gone, and deleting it again does no harm', async (t) => {
  const vault = new DirectoryVault(await makeDirectory(t))
  await vault.save(signingKey, 'one')
  await vault.save(macKey, 'two')
  await vault.delete(signingKey)
  await vault.delete(signingKey)
  t.deepEqual(await vault.list(), [macKey])
  t.is(await readFile(vault.locate(macKey), 'utf8'), 'two')
})

test('no name leads out of the directory', async (t) => {
  const vault = new DirectoryVault(await makeDirectory(t))
  for (const bad of ['../../etc/passwd', '', 'a/b', `${kid}\n`, `../${'A'.repeat(40)}`]) {
    t.throws(() => vault.locate({ kind: 'signing-key', kid: bad }), { instanceOf: TypeError })
  }
  t.throws(() => vault.locate({ kind: 'mac-key', id: -1 }), { instanceOf: TypeError })
})
