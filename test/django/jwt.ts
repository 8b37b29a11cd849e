import { createHmac, createSign } from 'node:crypto'
import type { Claims } from './corner.ts'

export interface Decoded {
  readonly header: Claims
  readonly claims: Claims
}

/** Reads a JWT without verifying it; undefined for what is none. */
export function decode(token: string): Decoded | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const [header, claims] = parts
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
    return typeof header === 'object' && typeof claims === 'object' ? { header, claims } : undefined
  } catch {
    return undefined
  }
}

/** Writes a JWT; the key is a secret for HS256, a private key in PEM for RS256, and not looked at for `none`. */
export function encode({ header, claims }: Decoded, key: string): string {
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${sign(String(header['alg']), signed, key)}`
}

function sign(alg: string, text: string, key: string): string {
  if (alg === 'none') return ''
  if (alg === 'HS256') return createHmac('sha256', key).update(text).digest('base64url')
  if (alg === 'RS256') return createSign('RSA-SHA256').update(text).sign(key, 'base64url')
  throw new Error(`No key for ${alg}`)
}
