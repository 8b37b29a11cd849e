import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'ava'
import { startTestIssuer } from '../support/in-process-issuer.ts'

test('row 38: who asks and does not read the answers is cut, though it goes on asking', async (t) => {
  const { url } = await startTestIssuer(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  const closed = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve))
  // Far more than the system keeps for a connection.
  socket.write('GET /.well-known/jwks.json HTTP/1.1\r\nHost: issuer\r\n\r\n'.repeat(40_000))
  const asking = setInterval(() => socket.write('GET /livez HTTP/1.1\r\nHost: issuer\r\n\r\n'), 500)
  // Silence alone ends a connection after two minutes.
  t.timeout(110_000)
  await closed
  clearInterval(asking)
  t.is((await fetch(`${url}/livez`)).status, 200)
})
