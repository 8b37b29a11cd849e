/** A day of the client, told line by line. `API_URL`, `TOKEN_URL`, `NOTES_USER`; the password comes on stdin. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { NotesClient } from './client.js'

const { API_URL: apiUrl, TOKEN_URL: tokenUrl = apiUrl, NOTES_USER: username } = process.env
const password = readFileSync(0, 'utf8').trimEnd()

let refreshes = 0
class CountingClient extends NotesClient {
  async refresh() {
    await super.refresh()
    refreshes++
  }
}

async function tell(what, work) {
  try {
    console.log(`${what}: ${JSON.stringify(await work()) ?? 'done'}`)
  } catch (error) {
    if (error.status === undefined) throw error
    console.log(`${what}: refused, ${error.message}`)
  }
}

const client = new CountingClient({ apiUrl, tokenUrl })
await tell('log in with a wrong password', () => client.login(username, `${password}!`))
await tell('log in without a name', () => client.login('', password))
await tell('log in', () => client.login(username, password))
await tell('verify the access token', () => client.verify())
await tell('who am I, by the database', () => client.call('/api/me/'))
await tell('who am I, by the token', () => client.call('/api/whoami/'))
await tell('write a note', () => client.call('/api/notes/', { method: 'POST', body: { text: 'buy milk' } }))
while (refreshes === 0) {
  await delay(200)
  await client.call('/api/notes/')
}
console.log('the access token expired, was refused, and was refreshed')
await tell('read the notes', () => client.call('/api/notes/'))
await tell('log out', () => client.logout())
await tell('refresh after that', () => client.refresh())
await tell('log out again', () => client.logout())
await tell('log in again', () => client.login(username, password))
await tell('read the notes', () => client.call('/api/notes/'))
await tell('log out', () => client.logout())
