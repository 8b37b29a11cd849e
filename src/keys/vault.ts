import { OperatorError } from '../lib/operator-error.ts'
import type { SecretReader } from '../store/secret-table.ts'

/** Names one secret: a signing key by its `kid`, or a key of the refresh tokens' MAC or of the audit trail by its id. */
export type SecretName =
  | { readonly kind: 'signing-key'; readonly kid: string }
  | { readonly kind: 'mac-key'; readonly id: number }
  | { readonly kind: 'audit-key'; readonly id: number }

/**
 * Where private keys live. A signing key is PKCS #8 PEM (RFC 5958), a MAC key or audit key 32 bytes in base64url. A vault keeps
 * text and guards it; what the text means is checked by whoever loads it. One that lies in the database throws
 * {StoreUnavailableError} when that cannot be used.
 */
export interface Vault {
  /** Where the secret lies, in words that an operator can act on, such as `keys/KID.pem`. Does no I/O. */
  locate(name: SecretName): string

  /**
   * Sees that the keys of the installation lie in this vault, so that no key is made where nobody looks for it. In the
   * transaction that names a new key, it holds until the commit.
   * @throws {VaultError} `elsewhere` or `locked`
   */
  confirm(secrets: Pick<SecretReader, 'standing'>): Promise<void>

  /**
   * Keeps a new secret; once resolved, it survives a power cut.
   * @throws {VaultError} `exists` when there is one of that name (it stays as it was); `elsewhere`, `locked` or
   *   `unwritable` otherwise.
   */
  save(name: SecretName, secret: string): Promise<void>

  /** @throws {VaultError} `missing`, `elsewhere`, `locked`, `loose`, `corrupt` or `unreadable`. */
  load(name: SecretName): Promise<string>

  /**
   * Deletes a secret, if there is one.
   * @throws {VaultError} `unwritable`
   */
  delete(name: SecretName): Promise<void>

  /** Names what the vault holds, whether the ring knows of it or not. @throws {VaultError} `unreadable` */
  list(): Promise<readonly SecretName[]>
}

export type VaultProblem =
  | 'missing'
  | 'loose'
  | 'corrupt'
  | 'mismatched'
  | 'unreadable'
  | 'exists'
  | 'unwritable'
  /** The keys of the installation lie in another vault. */
  | 'elsewhere'
  /** It is sealed under a vault key that is not at hand. */
  | 'locked'

/** A secret cannot be used or kept. The message is a sentence that names it and says what to do. */
export class VaultError extends OperatorError {
  override readonly name = 'VaultError'
  readonly problem: VaultProblem

  constructor(problem: VaultProblem, message: string, options?: ErrorOptions) {
    super(message, options)
    this.problem = problem
  }
}

/** How an operator gets rid of a secret that is lost or that somebody else may have read. */
export function revocationCommand(name: SecretName): string {
  switch (name.kind) {
    case 'signing-key':
      return `\`mintage keys revoke ${name.kid}\``
    case 'mac-key':
      return '`mintage keys revoke --all` (which ends all sessions)'
    case 'audit-key':
      return '`mintage audit rotate-key` (after which no earlier row can be verified without it)'
  }
}
