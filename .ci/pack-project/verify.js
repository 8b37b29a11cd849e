// Imports every subpath, and verifies a real token of the issuer whose first line lies in the file that is named.
import { readFileSync } from 'node:fs'
import * as verifierPackage from '@mintage/verifier'
import { createVerifier, InvalidTokenError } from '@mintage/verifier'

const { exports } = JSON.parse(
  readFileSync(new URL('./node_modules/@mintage/verifier/package.json', import.meta.url)),
)
for (const path of Object.keys(exports)) {
  const module = await import(`@mintage/verifier${path.slice(1)}`)
  if (Object.keys(module).length === 0) throw new Error(`${path} exports nothing`)
}
const { issuer, audience, client_id, client_secret } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const response = await fetch(`${issuer}/oauth2/token`, {
  method: 'POST',
  headers: { Authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
  body: new URLSearchParams({ grant_type: 'client_credentials' }),
})
const { access_token } = await response.json()
const verifier = createVerifier({ issuer, audience })
await verifier.ready()
const token = await verifier.verify(access_token)
if (token.client_id !== client_id) throw new Error('another client')
const refused = await verifier.verify(`${access_token}x`).catch((error) => error)
if (!(refused instanceof InvalidTokenError)) throw new Error('a damaged token was accepted')
// Nothing is closed here: a verifier must keep no process alive.
console.log(
  `Node ${process.version}: ${Object.keys(exports).length} entry points, ${Object.keys(verifierPackage).length} names, a real token verified, ${verifier.state}`,
)
