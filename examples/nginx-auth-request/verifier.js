import { createServer } from 'node:http'
import { createVerifier } from '@mintage/verifier'
import { protect } from '@mintage/verifier/fetch'

const { ISSUER, AUDIENCE, JWKS_URL, SOCKET } = process.env
if (!ISSUER || !AUDIENCE || !SOCKET) {
  console.error('Set ISSUER, AUDIENCE, and SOCKET to the path of the socket where nginx asks.')
  process.exit(2)
}

const verifier = createVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  ...(JWKS_URL && { jwksUri: JWKS_URL }),
})

/** What nginx needs to know: that the request may pass, and whose it is. */
function letPass(_request, { sub }) {
  // A subject may hold what a header may not.
  return new Response(null, {
    status: 204,
    headers: { 'X-Subject': encodeURIComponent(sub.toWellFormed()) },
  })
}

/** nginx sends the Authorization header of the request, and the scope that its location needs. */
async function judge({ headers: { authorization = '', 'x-required-scope': scope } }) {
  return protect(verifier, letPass, { scope })({ headers: new Headers({ authorization }) })
}

const server = createServer(async (request, response) => {
  const { status, headers } = await judge(request)
  response.writeHead(status, Object.fromEntries(headers)).end()
})
// nginx' workers run as another user than this.
server.listen({ path: SOCKET, writableAll: true })

process.on('SIGTERM', () => {
  verifier.close()
  server.close()
  server.closeAllConnections()
})
