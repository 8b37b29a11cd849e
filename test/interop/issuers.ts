import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { decodeProtectedHeader } from 'jose'
import { type ChildInstallation, makeChildInstallation, member } from '../support/child-installation.ts'
import type { ChildIssuer } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { basic, post } from '../support/oauth.ts'
import type { Example } from './manifest.ts'

export const otherAudience = 'https://other.example'
const username = 'ada'
const password = randomBytes(18).toString('base64url')
const loginClientId = 'login'
const grants = ['client_credentials', 'password', 'refresh_token'] as const

/** How long a key may take to sign after the command, in milliseconds. */
const rotationDeadline = 60_000

/** The audience of an example's API. */
export function audienceOf({ name }: Example): string {
  return `https://${name}.example`
}

/** What a client example is given. */
export interface ClientAccount {
  readonly clientId: string
  readonly clientSecret: string
  readonly publicClientId: string
  readonly username: string
  readonly password: string
}

/** A real Mintage with an API for each example. */
export interface Issuer {
  readonly url: string
  readonly accounts: ReadonlyMap<string, ClientAccount>
  /** An access token that a user gets for an audience. */
  issue(audience: string, scope: string): Promise<string>
  revoke(token: string): Promise<void>
  exportKey(kid: string, secrecy: 'public' | 'private'): Promise<string>
  /** Lets the published key sign; resolves once it does. */
  rotate(): Promise<void>
  stop(): Promise<void>
  remove(): Promise<void>
}

/** Registers everything and starts `mintage serve`. */
export async function startIssuer(examples: readonly Example[]): Promise<Issuer> {
  const environment = { MINTAGE_JWKS_MAX_AGE: '1s', MINTAGE_ACCESS_TOKEN_TTL: '1h' }
  const installation = await makeChildInstallation({ environment })
  try {
    const { secret, accounts } = await register(installation, examples)
    const server = await installation.serve()
    return new RunningIssuer(installation, server, secret, accounts)
  } catch (error) {
    await installation.remove()
    throw error
  }
}

function register(installation: ChildInstallation, examples: readonly Example[]) {
  return installation.prepare(async ({ apis, clients, users }) => {
    const scopes = ['orders:read', 'orders:write']
    await apis.create(otherAudience, { scopes })
    const accounts = new Map<string, ClientAccount>()
    for (const example of examples) {
      const audience = audienceOf(example)
      await apis.create(audience, { scopes, ...example.api })
      if (example.kind !== 'client') continue
      const clientId = `${example.name}-service`
      const { secret: clientSecret = '' } = await clients.create(clientId, false, {
        grants,
        audiences: [audience],
      })
      const publicClientId = `${example.name}-app`
      await clients.create(publicClientId, true, {
        grants: ['password', 'refresh_token'],
        audiences: [audience],
      })
      accounts.set(example.name, { clientId, clientSecret, publicClientId, username, password })
    }
    await users.create(username, { password })
    const { secret = '' } = await clients.create(loginClientId, false, { grants })
    return { secret, accounts }
  })
}

class RunningIssuer implements Issuer {
  readonly url: string
  readonly accounts: ReadonlyMap<string, ClientAccount>
  readonly #installation: ChildInstallation
  readonly #server: ChildIssuer
  readonly #credentials: Readonly<Record<string, string>>

  constructor(
    installation: ChildInstallation,
    server: ChildIssuer,
    secret: string,
    accounts: ReadonlyMap<string, ClientAccount>,
  ) {
    this.url = installation.issuer
    this.accounts = accounts
    this.#installation = installation
    this.#server = server
    this.#credentials = basic({ id: loginClientId, secret })
    // Whatever ends this process.
    process.once('exit', () => {
      server.process.kill('SIGKILL')
      rmSync(installation.directory, { recursive: true, force: true })
    })
  }

  async issue(audience: string, scope: string): Promise<string> {
    const form = { grant_type: 'password', username, password, resource: audience, scope }
    const { body } = await post(`${this.url}/oauth2/token`, form, this.#credentials)
    return member(body, 'access_token')
  }

  async revoke(token: string): Promise<void> {
    const { status, text } = await post(`${this.url}/oauth2/revoke`, { token }, this.#credentials)
    if (status !== 200) throw new Error(`The revocation was answered with ${status}: ${text}`)
  }

  async exportKey(kid: string, secrecy: 'public' | 'private'): Promise<string> {
    const options = secrecy === 'private' ? ['--private'] : []
    return member(await this.#installation.administer('keys', 'export', kid, '--pem', ...options), 'pem')
  }

  async rotate(): Promise<void> {
    // Refused until every cache can know the next key.
    const attempt = () => this.#installation.administer('keys', 'rotate').catch((error: unknown) => error)
    const answer = await eventually(attempt, (it) => !(it instanceof Error), rotationDeadline)
    if (answer instanceof Error) throw answer
    const kid = member(answer, 'current')
    const issued = () => this.issue(otherAudience, 'orders:read')
    const signing = await eventually(issued, (token) => kidOf(token) === kid, rotationDeadline)
    if (kidOf(signing) !== kid) throw new Error(`The server does not sign with ${kid}.`)
  }

  async stop(): Promise<void> {
    await this.#server.end()
  }

  remove(): Promise<void> {
    return this.#installation.remove()
  }
}

/** The id of the key that signed a token. */
export function kidOf(token: string): string {
  const { kid = '' } = decodeProtectedHeader(token)
  return kid
}
