import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Laboratory } from './laboratory.ts'
import type { Observation } from './session-story.ts'

/** Whether the cookies are kept without TLS on this machine, as for `mintage dev`. */
export async function useLoopback({ browser, page }: Laboratory): Promise<readonly Observation[]> {
  const server = createServer((_request, response) => {
    const attributes = 'Max-Age=60; Secure; HttpOnly; SameSite=Strict'
    response.setHeader('Set-Cookie', [
      `__Host-dev-access=a; Path=/; ${attributes}`,
      `__Secure-dev-refresh=b; Path=/oauth2; ${attributes}`,
    ])
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const seen: Observation[] = []
  for (const host of ['127.0.0.1', 'localhost']) {
    const url = `http://${host}:${port}/oauth2`
    await page.goto(url)
    const kept = (await browser.cookies(url)).filter(({ name }) => name.includes('-dev-')).length
    seen.push({ tried: `http://${host}, without TLS`, seen: `${kept} of 2 cookies kept`, good: kept === 2 })
  }
  server.closeAllConnections()
  server.close()
  return seen
}
