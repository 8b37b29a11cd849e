import test from 'ava'
import { startTestIssuer } from '../support/in-process-issuer.ts'
import { openRaw } from '../support/raw-http.ts'

test('row 38: who asks and does not read the answers is cut, though it goes on asking', async (t) => {
  const { url } = await startTestIssuer(t)
  const { socket, send } = await openRaw(url)
  socket.pause()
  // Far more than the system keeps for a connection.
  send('GET /.well-known/jwks.json HTTP/1.1\r\nHost: issuer\r\n\r\n'.repeat(40_000))
  const asking = setInterval(() => send('GET /livez HTTP/1.1\r\nHost: issuer\r\n\r\n'), 500)
  const reset = new Promise<string | undefined>((resolve) =>
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
  )
  t.regex((await reset) ?? '', /^(ECONNRESET|EPIPE)$/)
  clearInterval(asking)
  t.is((await fetch(`${url}/livez`)).status, 200)
})
