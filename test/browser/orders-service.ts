import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AccessToken, createVerifier } from '@mintage/verifier'
import { authenticate } from '@mintage/verifier/koa'
import Koa from 'koa'
import { audience } from '../support/in-process-issuer.ts'
import { ownHost } from './sites.ts'

/** A service that takes the access token from the cookie, and counts what was ordered. */
export async function startOrders(issuerUrl: string) {
  const issuer = `https://${ownHost}`
  const verifier = createVerifier({
    issuer,
    audience,
    clockTolerance: '0s',
    // Past the proxy, whose certificate nobody trusts.
    fetch: (url, init) => fetch(url.replace(issuer, issuerUrl), init as RequestInit),
  })
  await verifier.ready()
  let ordered = 0
  const app = new Koa<{ token: AccessToken }>()
  app.use(authenticate(verifier, { cookie: '__Host-web-access' }))
  app.use((context) => {
    if (context.method === 'POST') ordered++
    context.body = { sub: context.state.token.sub, ordered }
  })
  const server = createServer(app.callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ordered: () => ordered,
    async close() {
      verifier.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
