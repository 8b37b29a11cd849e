import { text } from 'node:stream/consumers'
import { FileStore } from './file-store.js'
import { LoggedOutError, TokenClient } from './token-client.js'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, STORE = 'tokens.json', MIN_LIFE = '60' } = process.env
const [command, username] = process.argv.slice(2)
if (!ISSUER || !CLIENT_ID || (command === 'login' ? !username : command !== 'token')) {
  console.error(
    'Set ISSUER and CLIENT_ID, then: node main.js login USERNAME < password, or: node main.js token',
  )
  process.exit(2)
}

const client = new TokenClient({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  store: new FileStore(STORE),
})
try {
  if (command === 'login') await client.login(username, (await text(process.stdin)).replace(/\r?\n$/, ''))
  else console.log(await client.accessToken(Number(MIN_LIFE)))
} catch (error) {
  console.error(error.message)
  process.exitCode = error instanceof LoggedOutError ? 3 : 1
}
