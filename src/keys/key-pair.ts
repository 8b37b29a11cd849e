import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  verify,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyRecord } from '../store/key-table.ts'
import { type PublicJwk, publicJwk, publishedJwk } from './jwks.ts'
import type { KeyPolicy } from './schedule.ts'
import { createSigner, type Signer } from './signer.ts'
import { revocationCommand, type SecretName, type Vault, VaultError } from './vault.ts'

const generate = promisify(generateKeyPair)

/** RSA keys under 2048 bits are refused (RFC 7518 §3.3). */
const fewestBits = 2048
const macKeyBytes = 32

/** A new signing key: what may be published of it, and its private half as PKCS #8 PEM. */
export interface GeneratedKey {
  readonly jwk: PublicJwk
  readonly pem: string
}

/** Generates an RSA key off the main thread, and checks that it signs what its JWK verifies. */
export async function generateSigningKey(bits: KeyPolicy['bits']): Promise<GeneratedKey> {
  for (;;) {
    const { publicKey, privateKey } = await generate('rsa', { modulusLength: bits })
    const jwk = toJwk(publicKey)
    // On a command line such a kid would be taken for an option.
    if (jwk.kid.startsWith('-')) continue
    await selfCheck(createSigner(jwk.kid, privateKey), importPublicKey(jwk))
    return { jwk, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
  }
}

/**
 * Loads the private half of a key of the ring, and checks that it signs what the published JWK verifies.
 * @throws {VaultError} when it is missing, loose, not PKCS #8 RSA, another key, or fails the check.
 */
export async function loadSigner(vault: Vault, key: Pick<KeyRecord, 'kid' | 'publicJwk'>): Promise<Signer> {
  const name: SecretName = { kind: 'signing-key', kid: key.kid }
  const pem = await vault.load(name)
  let privateKey: KeyObject
  try {
    if (!pem.trimStart().startsWith('-----BEGIN PRIVATE KEY-----')) throw new TypeError('not PKCS #8 PEM')
    privateKey = createPrivateKey(pem)
  } catch (error) {
    throw unusable('corrupt', vault, name, 'holds no private key in PKCS #8 PEM', error)
  }
  if (privateKey.asymmetricKeyType !== 'rsa') {
    throw unusable('corrupt', vault, name, `holds a key of type ${privateKey.asymmetricKeyType}, not RSA`)
  }
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < fewestBits) throw unusable('corrupt', vault, name, `holds an RSA key of only ${bits} bits`)
  const kid = toJwk(createPublicKey(privateKey)).kid
  if (kid !== key.kid) throw unusable('mismatched', vault, name, `holds another key, ${kid}`)
  const signer = createSigner(kid, privateKey)
  try {
    await selfCheck(signer, importPublicKey(publishedJwk(key)))
  } catch (error) {
    throw unusable('corrupt', vault, name, 'does not sign what its public key verifies', error)
  }
  return signer
}

/** A new key for the refresh tokens' MAC or the audit trail, as the vault keeps it. */
export function generateMacKey(): string {
  return randomBytes(macKeyBytes).toString('base64url')
}

/** @throws {VaultError} when the MAC key is missing, loose, or not 32 bytes. */
export function loadMacKey(vault: Vault, id: number): Promise<Buffer> {
  return loadBytes(vault, { kind: 'mac-key', id })
}

/** @throws {VaultError} when the key of the audit trail is missing, loose, or not 32 bytes. */
export function loadAuditKey(vault: Vault, id: number): Promise<Buffer> {
  return loadBytes(vault, { kind: 'audit-key', id })
}

async function loadBytes(vault: Vault, name: SecretName): Promise<Buffer> {
  const text = (await vault.load(name)).trim()
  const key = Buffer.from(text, 'base64url')
  if (key.length !== macKeyBytes || key.toString('base64url') !== text) {
    throw unusable('corrupt', vault, name, 'does not hold 32 bytes in base64url')
  }
  return key
}

/** The public key that verifiers make of the JWK. */
export function importPublicKey(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: { ...jwk }, format: 'jwk' })
}

function toJwk(publicKey: KeyObject): PublicJwk {
  const { n, e } = publicKey.export({ format: 'jwk' })
  if (n === undefined || e === undefined) throw new TypeError('Not an RSA key.')
  return publicJwk(n, e)
}

async function selfCheck(signer: Signer, publicKey: KeyObject): Promise<void> {
  const message = randomBytes(32).toString('base64url')
  const signature = await signer.sign(message)
  if (!verify('sha256', Buffer.from(message), publicKey, signature))
    throw new Error('The signature is wrong.')
}

function unusable(
  problem: 'corrupt' | 'mismatched',
  vault: Vault,
  name: SecretName,
  what: string,
  cause?: unknown,
): VaultError {
  return new VaultError(
    problem,
    `${vault.locate(name)} ${what}: restore it from a backup or run ${revocationCommand(name)}.`,
    { cause },
  )
}
