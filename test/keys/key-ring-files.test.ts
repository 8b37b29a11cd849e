import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { chmod, readdir, unlink, writeFile } from 'node:fs/promises'
import test from 'ava'
import { VaultError } from '../../src/keys/vault.ts'
import { day } from '../../src/lib/durations.ts'
import { Installation, keyIn } from './key-ring-fixture.ts'

const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
const notTheKey: readonly (readonly [string, string, RegExp])[] = [
  ['empty', '', / holds no private key in PKCS #8 PEM: restore it /],
  ['cut off', foreign.export(pkcs8).toString().slice(0, 900), / holds no private key in PKCS #8 PEM: /],
  [
    'PKCS #1',
    foreign.export({ type: 'pkcs1', format: 'pem' }).toString(),
    / holds no private key in PKCS #8 PEM: /,
  ],
  [
    'a public key',
    createPublicKey(foreign).export({ type: 'spki', format: 'pem' }).toString(),
    / holds no private /,
  ],
  ['another key', foreign.export(pkcs8).toString(), / holds another key, [\w-]{43}: restore it /],
  [
    'not RSA',
    generateKeyPairSync('ed25519').privateKey.export(pkcs8).toString(),
    / of type ed25519, not RSA: /,
  ],
  [
    'too weak',
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pkcs8).toString(),
    / an RSA key of only 1024 bits: /,
  ],
]
for (const [what, text, message] of notTheKey) {
  test(`security 28: a key file that is ${what} stops the start with its name`, async (t) => {
    const installation = await Installation.makeStarted(t)
    const ring = await installation.openRing()
    await ring.close()
    const key = keyIn(ring.record, 'current')
    const path = installation.file(key)
    await writeFile(path, text)
    const error = await t.throwsAsync(installation.openRing(), { instanceOf: VaultError, message })
    t.true(error?.message.startsWith(path), error?.message)
    t.true(error?.message.endsWith(`or run \`mintage keys revoke ${key.kid}\`.`), error?.message)
  })
}

for (const state of ['current', 'next', 'retired'] as const) {
  test(`security 28: a ${state} key whose file is loose or missing stops the start with its name`, async (t) => {
    const installation = await Installation.makeStarted(t)
    const ring = await installation.openRing()
    installation.clock.pass(30 * day)
    await ring.tick()
    await ring.close()
    const path = installation.file(keyIn(ring.record, state))
    await chmod(path, 0o644)
    await t.throwsAsync(installation.openRing(), {
      instanceOf: VaultError,
      message: new RegExp(`^${path} has mode 0644`),
    })
    await unlink(path)
    await t.throwsAsync(installation.openRing(), {
      instanceOf: VaultError,
      message: new RegExp(`^${path} is missing: `),
    })
  })
}

test('security 28: a MAC key file that is loose, corrupt or missing stops the start with its name', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  await ring.close()
  const path = installation.vault.locate({ kind: 'mac-key', id: ring.currentMacKey().id })
  const refused = (what: string) =>
    t.throwsAsync(installation.openRing(), {
      instanceOf: VaultError,
      message: new RegExp(`^${path} ${what}`),
    })
  await writeFile(path, Buffer.alloc(31).toString('base64url'))
  await refused('does not hold 32 bytes in base64url: ')
  await writeFile(path, `${Buffer.alloc(32).toString('base64url').slice(0, -1)}B`)
  await refused('does not hold 32 bytes in base64url: ')
  await chmod(path, 0o640)
  await refused('has mode 0640')
  await unlink(path)
  await refused('is missing: ')
})

test('security 28: when the whole directory is lost, the start names every key', async (t) => {
  const installation = await Installation.makeStarted(t)
  const ring = await installation.openRing()
  await ring.close()
  for (const file of await readdir(installation.keys)) await unlink(`${installation.keys}/${file}`)
  const error = await t.throwsAsync(installation.openRing(), { instanceOf: VaultError })
  for (const key of ring.record.keys)
    t.true(error?.message.includes(`${installation.file(key)} is missing: `))
})
