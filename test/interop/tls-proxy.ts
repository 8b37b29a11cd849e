import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runToEnd } from './running.ts'

/** An https server before an issuer, with a certificate of an authority of its own. */
export interface TlsProxy {
  readonly url: string
  /** The authority's certificate, PEM. */
  readonly caFile: string
  close(): Promise<void>
}

/** Starts one; its keys and certificates, which openssl makes, lie in `scratch`. */
export async function startTlsProxy(target: string, scratch: string): Promise<TlsProxy> {
  const openssl = (args: string) => runToEnd(['openssl', ...args.split(' ')], { directory: scratch }, 60_000)
  const key = '-newkey rsa:2048 -noenc -sha256 -days 2'
  await openssl(`req -x509 ${key} -subj /CN=interop-ca -keyout ca.key -out ca.pem`)
  const name =
    '-subj /CN=localhost -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1'
  await openssl(`req -x509 -CA ca.pem -CAkey ca.key ${key} ${name} -keyout server.key -out server.pem`)
  const read = (file: string) => readFileSync(join(scratch, file))
  const server = createServer({ key: read('server.key'), cert: read('server.pem') }, (incoming, outgoing) => {
    const forwarded = request(new URL(incoming.url ?? '/', target), { method: incoming.method ?? 'GET' })
    forwarded.once('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.once('error', () => outgoing.writeHead(502).end())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `https://localhost:${port}`,
    caFile: join(scratch, 'ca.pem'),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
