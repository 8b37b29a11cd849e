import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import test from 'ava'
import { configureWorker, takeConfig } from '../../src/compose/worker-config.ts'
import { readConfig } from '../../src/config.ts'

const environment = {
  MINTAGE_ISSUER: 'https://issuer.example',
  MINTAGE_ADMIN_PORT: 'off',
  MINTAGE_VAULT_KEY: randomBytes(32).toString('base64url'),
  MINTAGE_SIMPLEJWT_CLIENT: 'web',
  MINTAGE_DJANGO_KEY_UNTIL: '2100-01-01T00:00:00Z',
}
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()

const hand = <T>(value: T): T => deserialize(serialize(value)) as T

for (const [name, key] of [
  ['a secret', 'a secret of a Django project, long enough'],
  ['a public key', pem],
] as const) {
  test(`a worker gets the configuration as it was read, with ${name} of a Django project`, (t) => {
    const config = readConfig({ ...environment, MINTAGE_DJANGO_KEY: key })
    const handed = takeConfig(hand(configureWorker(config, 0, 1)))
    const { foreignKey, ...rest } = handed
    const { foreignKey: wished, ...others } = config
    t.deepEqual({ ...rest, vaultKey: config.vaultKey }, others)
    t.deepEqual(Buffer.from(rest.vaultKey ?? []), config.vaultKey)
    t.is(foreignKey?.until, wished?.until)
    t.is(foreignKey?.key.algorithm, wished?.key.algorithm)
    if (foreignKey?.key.algorithm === 'RS256') t.true(foreignKey.key.publicKey.equals(publicKey))
    else t.is(foreignKey?.key.secret.toString(), key)
  })
}

test('what is allowed in all is divided, and each worker has some of it', (t) => {
  const config = readConfig({
    ...environment,
    MINTAGE_HASH_THREADS: '2',
    MINTAGE_HASH_QUEUE: '10',
    MINTAGE_ISSUE_QUEUE: '100',
    MINTAGE_MAX_CONNECTIONS: '1001',
    MINTAGE_DATABASE_POOL: '7',
  })
  const workers = [0, 1, 2].map((index) => configureWorker(config, index, 3))
  const each = (name: keyof (typeof workers)[0]) => workers.map((worker) => worker[name])
  t.deepEqual(each('hashThreads'), [1, 1, 1])
  t.deepEqual(each('hashQueue'), [4, 3, 3])
  t.deepEqual(each('issueQueue'), [34, 33, 33])
  t.deepEqual(each('maxConnections'), [334, 334, 333])
  t.deepEqual(each('databasePool'), [7, 7, 7])
  t.is(configureWorker({ ...config, issueQueue: 4 }, 2, 3).issueQueue, 4)
})
