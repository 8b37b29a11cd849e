import { equalsInConstantTime, hmacSha256 } from '../../lib/digests.ts'
import { randomToken } from '../../lib/ids.ts'

/** The key of the audit trail (HMAC-SHA-256): 32 bytes, kept in the vault. */
export interface AuditKey {
  readonly id: number
  readonly bytes: Uint8Array
}

/** What an audit row tells, as it stands in the database. */
export interface AuditText {
  readonly at: number
  readonly type: string
  readonly data: string
}

/** A row as the chain takes it in. */
export interface StampedText extends AuditText {
  readonly id: number
  readonly stamp: string | null
}

/** A signed cut: everything up to `sequence` was deleted on purpose. */
export interface Checkpoint {
  readonly sequence: number
  /** The seal of the last row that was deleted, from which the chain goes on. */
  readonly seal: string
  /** When it was cut, in milliseconds since the epoch. */
  readonly at: number
  readonly mac: string
}

/** What a row carries from its insertion on: without the key nobody can write a row that looks like Mintage's. */
export function stampRow(key: AuditKey, { at, type, data }: AuditText, nonce = randomToken(9)): string {
  return `${key.id}.${nonce}.${mac(key, ['stamp', nonce, at, type, data])}`
}

export function hasStamp(key: AuditKey, row: AuditText & { readonly stamp: string | null }): boolean {
  const nonce = row.stamp?.split('.')[1] ?? ''
  return row.stamp !== null && isSame(row.stamp, stampRow(key, row, nonce))
}

/** The seal of a row at its place: it covers the row and, through the seal before it, every row before. */
export function sealRow(key: AuditKey, before: string, sequence: number, row: StampedText): string {
  return `${key.id}.${mac(key, ['seal', before, sequence, row.id, row.at, row.type, row.data, row.stamp])}`
}

export function hasSeal(
  key: AuditKey,
  before: string,
  row: StampedText & { readonly sequence: number; readonly seal: string },
): boolean {
  return isSame(row.seal, sealRow(key, before, row.sequence, row))
}

export function signCheckpoint(key: AuditKey, cut: Omit<Checkpoint, 'mac'>, genesis: string): Checkpoint {
  return { ...cut, mac: `${key.id}.${mac(key, ['checkpoint', genesis, cut.sequence, cut.seal, cut.at])}` }
}

export function isSigned(key: AuditKey, checkpoint: Checkpoint, genesis: string): boolean {
  return isSame(checkpoint.mac, signCheckpoint(key, checkpoint, genesis).mac)
}

/** What stands before the first row: whose chain it is, and up to which id its rows are older than the stamps. */
export function genesisOf(installation: string, adopted: number): string {
  return `${installation}.${adopted}`
}

/** The id of the key of a stamp, a seal or a checkpoint's MAC; undefined when it is none. */
export function keyIdOf(text: string | null): number | undefined {
  const id = /^([1-9]\d{0,9})\./.exec(text ?? '')?.[1]
  return id === undefined ? undefined : Number(id)
}

/** What is authenticated begins with its kind, so that a stamp can never pass for a seal. */
function mac(key: AuditKey, content: readonly (string | number | null)[]): string {
  return hmacSha256(key.bytes, JSON.stringify(content)).toString('base64url')
}

function isSame(a: string, b: string): boolean {
  return equalsInConstantTime(Buffer.from(a), Buffer.from(b))
}

/** Gives new rows their stamps, once there is a key; until then they carry none, and verification says so. */
export class Stamps {
  key: AuditKey | undefined

  stamp(text: AuditText): string | null {
    return this.key ? stampRow(this.key, text) : null
  }
}
