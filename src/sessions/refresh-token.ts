import { hkdfSync } from 'node:crypto'
import type { MacKey } from '../keys/key-ring.ts'
import { equalsInConstantTime, hmacSha256 } from '../lib/digests.ts'
import { randomToken } from '../lib/ids.ts'
import type { MacKeys } from './mac-keys.ts'

/**
 * A refresh token is `mrt_` and base64url of
 *
 *     version (1) ‖ MAC key id (4) ‖ handle (16) ‖ generation (4) ‖ HMAC-SHA-256 (32)
 *
 * It is stored nowhere. The MAC covers the prefix and everything before itself, so a forged token is refused
 * without touching the database, the database alone cannot make one, and the successor of a token can always be
 * computed again. 57 bytes are 76 characters exactly: there is no second spelling of a token.
 */
const prefix = 'mrt_'
const version = 1
const handleBytes = 16
const bodyBytes = 1 + 4 + handleBytes + 4
const shape = /^mrt_[A-Za-z0-9_-]{76}$/

/** What a refresh token says. */
export interface RefreshTokenContent {
  /** 16 bytes in base64url: which session. */
  readonly handle: string
  /** How often the session had been refreshed when the token was made. */
  readonly generation: number
}

/** Whether a string claims to be a refresh token; only {@link readRefreshToken} knows whether it is one. */
export function looksLikeRefreshToken(token: string): boolean {
  return token.startsWith(prefix)
}

/** A new handle: 128 random bits in base64url. */
export function createHandle(): string {
  return randomToken(handleBytes)
}

/** The one token of a session's generation under a MAC key. */
export function writeRefreshToken(content: RefreshTokenContent, macKey: MacKey): string {
  const body = Buffer.alloc(bodyBytes)
  body.writeUInt8(version, 0)
  body.writeUInt32BE(macKey.id, 1)
  body.write(content.handle, 5, handleBytes, 'base64url')
  body.writeUInt32BE(content.generation, 5 + handleBytes)
  return prefix + Buffer.concat([body, computeMac(macKey.key, body)]).toString('base64url')
}

/** What an authentic token says; undefined for anything else: damaged, forged, or of a withdrawn MAC key. */
export function readRefreshToken(
  token: string,
  macKeys: Pick<MacKeys, 'macKey'>,
): RefreshTokenContent | undefined {
  const authentic = authenticate(token, macKeys)
  if (!authentic) return undefined
  const { body } = authentic
  return {
    handle: body.toString('base64url', 5, 5 + handleBytes),
    generation: body.readUInt32BE(5 + handleBytes),
  }
}

/**
 * A key of 32 bytes for another presentation of an authentic token (RFC 5869), by the MAC key that the token was made
 * under, so that it lives as long; undefined for anything else. No two purposes have the same key.
 */
export function deriveKey(
  token: string,
  purpose: string,
  macKeys: Pick<MacKeys, 'macKey'>,
): Buffer | undefined {
  const key = authenticate(token, macKeys)?.key
  return key && Buffer.from(hkdfSync('sha256', key, '', `mintage ${purpose}`, 32))
}

function authenticate(
  token: string,
  macKeys: Pick<MacKeys, 'macKey'>,
): { readonly body: Buffer; readonly key: Buffer } | undefined {
  if (!shape.test(token)) return undefined
  const bytes = Buffer.from(token.slice(prefix.length), 'base64url')
  const body = bytes.subarray(0, bodyBytes)
  const key = macKeys.macKey(body.readUInt32BE(1))
  if (body[0] !== version || !key) return undefined
  return equalsInConstantTime(bytes.subarray(bodyBytes), computeMac(key, body)) ? { body, key } : undefined
}

function computeMac(key: Uint8Array, body: Uint8Array): Buffer {
  return hmacSha256(key, Buffer.concat([Buffer.from(prefix), body]))
}
