import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChildInstallation, makeChildInstallation } from '../support/child-installation.ts'
import { basic, decodeClaims, post } from '../support/oauth.ts'
import { makePlace, type PlaceOptions } from './rotation-place.ts'
import {
  JoseVerifier,
  JwksEndpoint,
  PlainVerifier,
  SilentCache,
  type Verifier,
} from './rotation-verifiers.ts'

const audience = 'https://api.example'
const maxAge = 1_000
const rotation = 3_000

/** What came of it. */
export interface RotationFigures {
  readonly seconds: number
  readonly tokensIssued: number
  readonly requestsRefused: number
  readonly kidsThatSigned: number
  /** How often a key took over from another. */
  readonly rotations: number
  /** Those that came twice: the same key again, or another right behind it. */
  readonly doubleRotations: number
  /** Each token at issue, and again shortly before its end, by each verifier. */
  readonly verifications: number
  readonly tokensThatFailed: number
  /** Verifications of the second kind that came after the token's end, and so say nothing; they are not counted. */
  readonly tooLate: number
  readonly jwksFetches: Readonly<Record<string, number>>
  /** Failures of a verifier that keeps the keys ten times longer than it may: what the others would show. */
  readonly failuresOfTheControl: number
  /** Keys in the vault that the ring does not name. */
  readonly orphans: number
  readonly firstFailures: readonly string[]
}

/**
 * Two servers on one database and one vault rotate their keys every three seconds while both issue tokens,
 * and verifiers that cache as the header allows verify all of them.
 */
export async function runRotation(
  seconds: number,
  loops: number,
  options: PlaceOptions,
): Promise<RotationFigures> {
  const place = await makePlace(options)
  const installation = await makeChildInstallation({
    environment: {
      ...place.environment,
      MINTAGE_STATE_DIR: join(place.directory, 'commands'),
      MINTAGE_KEY_ROTATION: `${rotation}ms`,
      MINTAGE_JWKS_MAX_AGE: `${maxAge}ms`,
      MINTAGE_ACCESS_TOKEN_TTL: '6s',
    },
  })
  try {
    const { secret } = await installation.prepare(async ({ apis, clients }) => {
      await apis.create(audience, { scopes: ['orders:read'] })
      return clients.create('service', false, { grants: ['client_credentials'] })
    })
    const client = basic({ id: 'service', secret: secret ?? '' })
    const stateOf = (node: string) => ({ MINTAGE_STATE_DIR: join(place.directory, node) })
    const servers = await Promise.all([
      installation.serve({ environment: stateOf('a') }),
      installation.serve({ port: 'free', environment: stateOf('b') }),
    ])
    const urls = servers.map((server) => server.url)
    const load = new RotationLoad(client, installation.issuer, urls)
    await load.run(seconds, loops)
    await Promise.all(servers.map((server) => server.end()))
    const orphans = await place.countOrphans()
    return { seconds, ...load.figures(), ...(await countRotations(installation)), orphans }
  } finally {
    await installation.remove()
    await place.remove()
  }
}

/** What the audit trail tells of them. */
async function countRotations(installation: ChildInstallation) {
  const taken: { readonly at: number; readonly kid: string }[] = []
  await installation.prepare(async ({ audit }) => {
    for await (const { at, event } of audit.export({ type: 'key.activated' })) {
      if (event.type === 'key.activated') taken.push({ at, kid: event.kid })
    }
  })
  const kids = new Set<string>()
  const isDouble = ({ at, kid }: (typeof taken)[number], i: number) => {
    const isAgain = kids.has(kid)
    kids.add(kid)
    return isAgain || at - (taken[i - 1]?.at ?? 0) < rotation / 2
  }
  // The very first one took over from none.
  return { rotations: taken.length - 1, doubleRotations: taken.filter(isDouble).length }
}

class RotationLoad {
  readonly #client: Readonly<Record<string, string>>
  readonly #urls: readonly string[]
  readonly #verifiers: readonly Verifier[]
  readonly #control: Verifier
  readonly #kids = new Set<unknown>()
  readonly #failed = new Set<string>()
  readonly #failures: string[] = []
  #issued = 0
  #refused = 0
  #verifications = 0
  #tooLate = 0
  #controlFailures = 0

  constructor(client: Readonly<Record<string, string>>, issuer: string, urls: readonly string[]) {
    this.#client = client
    this.#urls = urls
    const jwks = urls.map((url) => `${url}/.well-known/jwks.json`)
    this.#verifiers = jwks.flatMap((url, i) => [
      new JoseVerifier(`jose ${i}`, url, issuer, audience, maxAge),
      new PlainVerifier(`plain ${i}`, new SilentCache(new JwksEndpoint(url))),
      new PlainVerifier(`plain behind a cache ${i}`, new SilentCache(new SilentCache(new JwksEndpoint(url)))),
    ])
    const [first = ''] = jwks
    this.#control = new PlainVerifier('control', new SilentCache(new JwksEndpoint(first), 10))
  }

  async run(seconds: number, loops: number): Promise<void> {
    const end = performance.now() + seconds * 1_000
    const last: Promise<void>[] = []
    const loop = async (i: number) => {
      for (let n = i; performance.now() < end; n++) {
        const token = await this.#issue(this.#urls[n % this.#urls.length] ?? '')
        if (token === undefined) continue
        await this.#verify(token, 'at issue')
        last.push(this.#verifyLate(token))
      }
    }
    await Promise.all(Array.from({ length: loops }, (_, i) => loop(i)))
    await Promise.all(last)
  }

  figures(): Omit<RotationFigures, 'seconds' | 'orphans' | 'rotations' | 'doubleRotations'> {
    return {
      tokensIssued: this.#issued,
      requestsRefused: this.#refused,
      kidsThatSigned: this.#kids.size,
      verifications: this.#verifications,
      tokensThatFailed: this.#failed.size,
      tooLate: this.#tooLate,
      jwksFetches: Object.fromEntries(this.#verifiers.map(({ name, fetches }) => [name, fetches])),
      failuresOfTheControl: this.#controlFailures,
      firstFailures: this.#failures.slice(0, 10),
    }
  }

  async #issue(url: string): Promise<string | undefined> {
    const answer = await post(`${url}/oauth2/token`, { grant_type: 'client_credentials' }, this.#client)
    const token = answer.body['access_token']
    if (typeof token === 'string') {
      this.#issued++
      this.#kids.add(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid)
      return token
    }
    this.#refused++
    this.#failures.push(`${answer.status} ${answer.text}`)
    return undefined
  }

  async #verify(token: string, when: string): Promise<void> {
    const verify = async (verifier: Verifier) => {
      this.#verifications++
      try {
        await verifier.verify(token)
      } catch (error) {
        this.#failed.add(token)
        this.#failures.push(`${verifier.name} ${when}: ${error}`)
      }
    }
    const control = this.#control.verify(token).catch(() => this.#controlFailures++)
    await Promise.all([...this.#verifiers.map(verify), control])
  }

  /** A second before its end, which jose checks too. */
  async #verifyLate(token: string): Promise<void> {
    const end = Number(decodeClaims(token)['exp']) * 1_000
    await sleep(Math.max(0, end - 1_000 - Date.now()))
    if (Date.now() >= end - 100) this.#tooLate++
    else await this.#verify(token, 'before its end')
  }
}
