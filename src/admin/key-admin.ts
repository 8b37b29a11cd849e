import type { RingKeeper } from '../keys/ring-keeper.ts'
import type { Vault } from '../keys/vault.ts'
import type { AuditTrail } from '../store/audit/audit-trail.ts'
import type { KeyRecord } from '../store/key-table.ts'
import { AdminError, notFound } from './admin-error.ts'

/** Administration of keys. Every method throws {AdminError} for what cannot be done. */
export class KeyAdmin {
  readonly #keeper: RingKeeper
  readonly #vault: Vault
  readonly #trail: AuditTrail

  constructor(keeper: RingKeeper, vault: Vault, trail: AuditTrail) {
    this.#keeper = keeper
    this.#vault = vault
    this.#trail = trail
  }

  /** The keys that are published, and the withdrawn ones too where `all` is asked for; oldest first. */
  async list(all = false): Promise<readonly KeyRecord[]> {
    const { keys } = await this.#keeper.read()
    return all ? keys : keys.filter((key) => key.state !== 'withdrawn')
  }

  /**
   * Lets the published next key sign now, when every cache can know it by now.
   * @returns the `kid` that signs.
   */
  async rotate(): Promise<string> {
    const outcome = await this.#keeper.rotate()
    if (outcome.kind === 'rotated') return outcome.kid
    throw new AdminError(
      `The next key ${outcome.kid} is too young: a cache may not know it before ${new Date(outcome.from).toISOString()}. ` +
        'Try again then; if the current key has leaked, use: mintage keys revoke KID',
    )
  }

  /** Makes a new MAC key for refresh tokens and says its id. Tokens under the old one go on working. */
  rotateMac(): Promise<number> {
    return this.#keeper.rotateMac()
  }

  /** Withdraws a key at once, for it has leaked: nothing that it signed is trusted any more. */
  async revoke(kid: string): Promise<string> {
    const outcome = await this.#keeper.revoke(kid)
    if (outcome.kind === 'unknown') throw notFound('key', kid)
    return outcome.current
  }

  /**
   * Withdraws every signing and MAC key at once and ends all sessions, for the directory has leaked. The audit trail
   * goes over to a new key too.
   * @param lost how many keys were given up with their vault key.
   */
  async revokeAll(lost = 0): Promise<void> {
    const auditKey = await this.#trail.rotateKey()
    await this.#keeper.revokeAll(async (tx) => {
      const count = await tx.sessions.end('all', 'keys_revoked', tx.now)
      await tx.status.revokeBlocks('all')
      await tx.record({ type: 'sessions.revoked', reason: 'keys_revoked', count })
      await tx.record({ type: 'audit_key.rotated', id: auditKey })
      if (lost > 0) await tx.record({ type: 'vault.lost', count: lost })
    })
  }

  /**
   * One key as text, the current one by default: PEM (SPKI, RFC 5280; PKCS #8, RFC 5958, when private) or JWK
   * (RFC 7517).
   */
  async export(kid: string | undefined, format: 'pem' | 'jwk', isPrivate: boolean): Promise<string> {
    const keys = await this.list()
    const key =
      kid === undefined
        ? keys.find(({ state }) => state === 'current')
        : keys.find((each) => each.kid === kid)
    if (!key) throw kid === undefined ? new AdminError('There is no current key yet.') : notFound('key', kid)
    // Loaded here, since no other command needs it, and no server.
    const jose = await import('jose')
    const exported = isPrivate
      ? await jose.importPKCS8(await this.#vault.load({ kind: 'signing-key', kid: key.kid }), 'RS256', {
          extractable: true,
        })
      : await jose.importJWK({ ...key.publicJwk }, 'RS256', { extractable: true })
    if (format === 'jwk') {
      return JSON.stringify({ ...(await jose.exportJWK(exported)), kid: key.kid, use: 'sig', alg: 'RS256' })
    }
    if (exported instanceof Uint8Array) throw new TypeError('An RSA key is no secret of bytes.')
    return isPrivate ? jose.exportPKCS8(exported) : jose.exportSPKI(exported)
  }
}
