import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { deflateSync, inflateSync } from 'node:zlib'
import { renderTable } from '../results.ts'

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const publicKey = createPublicKey(privateKey)

/** A list with a share of its places revoked, at random. */
function makeBits(size: number, share: number): Buffer {
  const bits = Buffer.alloc(size / 8)
  for (let left = Math.round(size * share); left > 0; ) {
    const index = Math.floor(Math.random() * size)
    const byte = bits[index >> 3] ?? 0
    if ((byte & (1 << (index & 7))) !== 0) continue
    bits[index >> 3] = byte | (1 << (index & 7))
    left--
  }
  return bits
}

function measureCpu<T>(work: () => T): { readonly result: T; readonly milliseconds: number } {
  const before = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(before)
  return { result, milliseconds: (user + system) / 1_000 }
}

/** Makes the token of one list as the issuer does, on this thread, so that its CPU can be told. */
function build(bits: Buffer): string {
  const lst = deflateSync(bits).toString('base64url')
  const payload = JSON.stringify({
    sub: 'https://issuer.example/status-lists/lst',
    status_list: { bits: 1, lst },
  })
  const input = `eyJ0eXAiOiJzdGF0dXNsaXN0K2p3dCJ9.${Buffer.from(payload).toString('base64url')}`
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
}

/** Checks the signature and takes the bits out. */
function read(token: string): Buffer {
  const dot = token.lastIndexOf('.')
  const isGenuine = verify(
    'sha256',
    Buffer.from(token.slice(0, dot)),
    publicKey,
    Buffer.from(token.slice(dot + 1), 'base64url'),
  )
  if (!isGenuine) throw new Error('The list does not verify.')
  const payload = JSON.parse(Buffer.from(token.slice(token.indexOf('.') + 1, dot), 'base64url').toString())
  return inflateSync(Buffer.from(payload.status_list.lst, 'base64url'))
}

/** What all live indexes weigh, split into lists of each size. */
export function measureSizes(totals: readonly number[], listSizes: readonly number[]): string {
  const rows: string[][] = []
  for (const total of totals) {
    for (const share of [0.001, 0.01]) {
      for (const size of listSizes) {
        const count = Math.max(1, Math.ceil(total / size))
        const lists = Array.from({ length: count }, () => makeBits(size, share))
        const built = measureCpu(() => lists.map(build))
        const bytes = built.result.reduce((sum, token) => sum + token.length, 0)
        const taken = measureCpu(() => built.result.map(read))
        for (const [index, bits] of taken.result.entries()) {
          if (!bits.equals(lists[index] ?? Buffer.alloc(0))) throw new Error('A list came back as another.')
        }
        rows.push([
          total.toLocaleString('en'),
          `${share * 100} %`,
          size.toLocaleString('en'),
          String(count),
          (bytes / 1_024).toFixed(0),
          (bytes / count / 1_024).toFixed(1),
          ((count * size) / 8 / 1_024).toFixed(0),
          (built.milliseconds / count).toFixed(2),
          (taken.milliseconds / count).toFixed(2),
        ])
      }
    }
  }
  return renderTable(
    [
      'live indexes',
      'revoked',
      'list size',
      'lists',
      'served KiB',
      'KiB each',
      'bits in memory KiB',
      'build ms of CPU each',
      'read ms of CPU each',
    ],
    rows,
  )
}
