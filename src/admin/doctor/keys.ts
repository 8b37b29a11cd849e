import { statSync } from 'node:fs'
import { createVaults, type VaultSettings } from '../../keys/installed-vault.ts'
import { loadView, type RingView } from '../../keys/ring-view.ts'
import { grace, isCurrent, isPublished, isWithdrawn } from '../../keys/schedule.ts'
import type { Vault } from '../../keys/vault.ts'
import { VaultKey } from '../../keys/vault-key.ts'
import { minute } from '../../lib/durations.ts'
import type { DatabaseFacts } from '../../store/inspection.ts'
import type { SecretReader } from '../../store/secret-table.ts'
import { type Finding, failure, ok, sentenceOf, warning } from './finding.ts'

export interface KeySettings extends VaultSettings {
  /** Milliseconds. */
  readonly keyRotation: number
}

/** A random key has about thirty different bytes; one that somebody typed has few. */
const fewestDifferentBytes = 12

/** Loads every key as a start would, each of them checked, and makes none. `now` is in milliseconds since the epoch. */
export async function examineKeys(
  { ring, secrets = emptyVault }: Pick<DatabaseFacts, 'ring' | 'secrets'>,
  settings: KeySettings,
  now: number,
): Promise<readonly Finding[]> {
  const folder = [...judgeDirectory(settings.keysDir), ...(await judgePrevious(secrets, settings))]
  if (!ring || (ring.keys.length === 0 && ring.macKeys.length === 0)) {
    return [
      ...folder,
      warning('keys', 'There are no keys yet: mintage serve makes them when it starts first.'),
    ]
  }
  let view: RingView
  try {
    const vault = openVault(secrets, settings)
    await vault.confirm(secrets)
    view = await loadView(ring, vault)
  } catch (error) {
    return [...folder, failure('keys', sentenceOf(error))]
  }
  const failures = view.problems.map((problem) => failure('keys', sentenceOf(problem)))
  for (const [id, key] of view.macKeys) {
    if (new Set(key).size >= fewestDifferentBytes) continue
    failures.push(
      failure(
        'keys',
        `The MAC key ${id} is not random: run mintage keys revoke --all, which ends all sessions.`,
      ),
    )
  }
  const current = ring.keys.find(isCurrent)
  if (!current) failures.push(failure('keys', 'No key signs: start mintage serve, which makes one.'))
  if (failures.length > 0) return [...folder, ...failures]
  const published = ring.keys.filter(isPublished).length
  const macKeys = ring.macKeys.filter((key) => !isWithdrawn(key)).length
  const due = (current?.activatedAt ?? now) + settings.keyRotation + grace(ring)
  const overdue =
    due + minute < now
      ? [
          warning(
            'keys',
            `The key ${current?.kid} should have been replaced by ${new Date(due).toISOString()}: keys rotate while mintage serve runs; start it, or read what it logs.`,
          ),
        ]
      : []
  return [
    ...folder,
    ...overdue,
    ok(
      'keys',
      `${published} signing keys are published and ${macKeys} MAC keys in force; ${current?.kid} signs, and all are usable.`,
    ),
  ]
}

/** A database that is older than sealed keys has none. */
const emptyVault: SecretReader = {
  standing: async () => ({ installation: '', vaultKey: null, hasKeys: true }),
  find: async () => undefined,
  all: async () => [],
}

function openVault(secrets: SecretReader, settings: KeySettings): Vault {
  const withSecrets = () => Promise.reject(new Error('The doctor writes nothing.'))
  return createVaults(settings, { secrets, withSecrets }).configured
}

/** A vault key that was replaced is there for a while only. */
async function judgePrevious(
  secrets: SecretReader,
  { vaultKeyPrevious }: KeySettings,
): Promise<readonly Finding[]> {
  if (!vaultKeyPrevious) return []
  const { id } = new VaultKey(vaultKeyPrevious)
  const count = (await secrets.all()).filter((row) => row.vaultKey === id).length
  return [
    warning(
      'keys',
      count > 0
        ? `${count} keys are sealed under MINTAGE_VAULT_KEY_PREVIOUS: once every node has both keys, run mintage keys reseal.`
        : 'Nothing is sealed under MINTAGE_VAULT_KEY_PREVIOUS any more: unset it.',
    ),
  ]
}

function judgeDirectory(directory: string): readonly Finding[] {
  const stats = statSync(directory, { throwIfNoEntry: false })
  if (!stats || (stats.mode & 0o077) === 0) return []
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
  return [
    warning(
      'keys',
      `${directory} has mode ${mode}, which lets others look into it: run chmod 700 ${directory}.`,
    ),
  ]
}
