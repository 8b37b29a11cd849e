import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier, type Verifier } from '@mintage/verifier'
import { z } from 'zod'
import { audienceOf, type Issuer } from './issuers.ts'
import type { Example } from './manifest.ts'
import { inParallel, runToEnd } from './running.ts'

const width = 2
const deadline = 120_000

const pair = z.object({ access_token: z.string(), refresh_token: z.string() })

/** The line that a client example prints; null where its library has no such thing. */
const reportSchema = z.object({
  client_credentials: z.string().nullable(),
  password: pair.nullable(),
  refresh: pair.nullable(),
  api: z.literal(200).nullable(),
  revoked: z.literal(true).nullable(),
  introspected: z.literal(true).nullable(),
  bad_secret: z.literal('invalid_client').nullable(),
  dead_refresh: z.literal('invalid_grant').nullable(),
})

export type ClientReport = z.output<typeof reportSchema>

/** What came of one client. */
export interface ClientResult {
  readonly example: Example
  readonly report?: ClientReport
  readonly problem?: string
}

/** Runs every client to its end and verifies the tokens that it got. */
export async function tryClients(
  examples: readonly Example[],
  issuer: Issuer,
  say: (line: string) => void,
): Promise<readonly ClientResult[]> {
  return inParallel(width, examples, async (example) => {
    const audience = audienceOf(example)
    // Its session may be over by the time that its tokens are looked at here.
    const verifier = createVerifier({ issuer: issuer.url, audience, revocation: 'off' })
    const server = createApi(verifier)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const report = await runClient(example, issuer, `http://127.0.0.1:${port}/orders`)
      await judge(report, verifier)
      say(`ran ${example.name}`)
      return { example, report }
    } catch (error) {
      return { example, problem: error instanceof Error ? error.message : String(error) }
    } finally {
      verifier.close()
      server.closeAllConnections()
      server.close()
    }
  })
}

/** The API that a client calls: 200 for a good token. */
function createApi(verifier: Verifier) {
  return createServer((request, response) => {
    const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? []
    verifier.verify(token, { scope: 'orders:read' }).then(
      ({ sub }) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ sub })),
      () => response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end(),
    )
  })
}

async function runClient(example: Example, issuer: Issuer, apiUrl: string): Promise<ClientReport> {
  const account = issuer.accounts.get(example.name)
  if (!account) throw new Error('It has no account.')
  const environment = {
    ISSUER: issuer.url,
    TOKEN_ENDPOINT: `${issuer.url}/oauth2/token`,
    AUDIENCE: audienceOf(example),
    SCOPE: 'orders:read',
    CLIENT_ID: account.clientId,
    CLIENT_SECRET: account.clientSecret,
    PUBLIC_CLIENT_ID: account.publicClientId,
    USERNAME: account.username,
    PASSWORD: account.password,
    API_URL: apiUrl,
  }
  const stdout = await runToEnd(example.start, { directory: example.directory, environment }, deadline)
  const parsed = reportSchema.safeParse(parseJson(stdout))
  if (!parsed.success)
    throw new Error(`Its report is wrong: ${z.prettifyError(parsed.error)}\n${withoutTokens(stdout)}`)
  return parsed.data
}

/** Throws when an access token is not good or a refresh token did not change. */
async function judge(report: ClientReport, verifier: Verifier): Promise<void> {
  const { client_credentials: own, password, refresh } = report
  for (const token of [own, password?.access_token, refresh?.access_token]) {
    if (token) await verifier.verify(token, { scope: 'orders:read' })
  }
  if (!own && !password) throw new Error('It got no token at all.')
  if (password && password.refresh_token === refresh?.refresh_token) {
    throw new Error('The refresh token is still the one before.')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`It printed no JSON, but: ${withoutTokens(text)}`)
  }
}

function withoutTokens(text: string): string {
  return text.trim().replaceAll(/[\w-]{40,}/g, '…')
}
