import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateSync } from 'node:zlib'
import type { ExecutionContext } from 'ava'

export const audience = 'https://api.example'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

interface List {
  readonly size: number
  readonly bytes: Uint8Array
  version: number
}

interface Change {
  readonly version: number
  readonly type: string
  readonly data: object
}

export type Route = 'jwks' | 'aggregation' | 'list' | 'events' | 'introspect'
type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Keys are dear to make and block whoever waits meanwhile, so there are four, made before anything begins. */
const pairs = Array.from({ length: 4 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }))
let madeKeys = 0

/** Another key than the issuer's first, and than the last two. */
export function makeKey(): SigningKey {
  madeKeys++
  return toKey(1 + (madeKeys % 3), `key-${madeKeys}`)
}

function toKey(pair: number, kid: string): SigningKey {
  const keys = pairs[pair]
  if (!keys) throw new Error('There is no such key.')
  return { kid, ...keys }
}

/**
 * A server that speaks what the issuer speaks to verifiers, with real keys over real sockets, and that can be told to
 * misbehave. It commits, publishes and pushes in one step, unless a test takes these apart.
 */
export class ScriptedIssuer {
  readonly server: Server
  readonly requests: { readonly route: Route | 'other'; readonly headers: IncomingMessage['headers'] }[] = []
  readonly streams = new Set<ServerResponse>()
  /** Answers a route in place of the issuer. */
  readonly answers = new Map<Route, Handler>()
  keys: SigningKey[]
  maxAge = 300
  epoch: string = randomUUID()
  version = 0
  lists = new Map<string, List>()
  changes: Change[] = []
  withdrawnKeys: string[] = []
  active = true
  /** Milliseconds between two heartbeats; 0 sends none. */
  heartbeatEvery = 50
  /** The issuer's monotonic clock, if its heartbeats tell it. */
  tellAt: (() => number) | undefined
  /** Whether changes are pushed; else they wait for the next poll or snapshot. */
  isPushing = true
  /** When the oldest change was committed that has no number yet, by the monotonic clock. */
  committedAt: number | undefined
  #port = 0
  #heart: ReturnType<typeof setInterval> | undefined
  readonly #indexes = new Map<string, number>()

  constructor() {
    this.keys = [toKey(0, 'key-0')]
    this.server = createServer((request, response) => this.#answer(request, response))
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get key(): SigningKey {
    const [key] = this.keys
    if (!key) throw new Error('The issuer has no key.')
    return key
  }

  /** Listens; after {@link stop} on the same port as before. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.server.address() as AddressInfo).port
    this.#scheduleHeartbeat()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#heart)
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeAllConnections()
    this.streams.clear()
    await closed
  }

  count(route: Route): number {
    return this.requests.filter((request) => request.route === route).length
  }

  /** A new list, known to every stream. */
  addList(size = 64): string {
    const uri = `${this.url}/status-lists/${randomUUID()}`
    const version = this.version + 1
    this.lists.set(uri, { size, bytes: new Uint8Array(Math.ceil(size / 8)), version })
    this.#change('list', { version, uri, size })
    return uri
  }

  revoke(uri: string, ...indexes: readonly number[]): void {
    this.#set(uri, indexes)
    this.#change('revoked', { version: this.version + 1, uri, idx: indexes })
  }

  revokeRange(uri: string, first: number, last: number): void {
    this.#set(
      uri,
      Array.from({ length: last - first + 1 }, (_, at) => first + at),
    )
    this.#change('revoked', { version: this.version + 1, uri, ranges: [[first, last]] })
  }

  retire(uri: string): void {
    this.lists.delete(uri)
    this.#change('retired', { version: this.version + 1, uri })
  }

  /** Takes a key back; `silently` leaves it in the JWKS, as a cache on the way would. */
  withdraw(kid: string, silently = false): void {
    if (!silently) this.keys = this.keys.filter((key) => key.kid !== kid)
    this.withdrawnKeys.push(kid)
    this.#change('keys', { version: this.version + 1, withdrawn: [kid] })
  }

  hintKeys(): void {
    this.#change('keys', { version: this.version + 1, withdrawn: [] })
  }

  /** A signed access token; on a list if one is named. `undefined` takes a claim away. */
  mint(
    changes: Readonly<Record<string, unknown>> = {},
    { key = this.key, header = {} }: { readonly key?: SigningKey; readonly header?: object } = {},
  ): string {
    const now = Math.floor(Date.now() / 1_000)
    const claims = {
      iss: this.url,
      sub: 'user-1',
      aud: audience,
      client_id: 'web',
      iat: now,
      exp: now + 900,
      jti: randomUUID(),
      scope: 'orders:read orders:write',
      ...changes,
    }
    return signJwt({ alg: 'RS256', typ: 'at+jwt', kid: key.kid, ...header }, claims, key)
  }

  /** A token with the next free index of the list. */
  mintOn(uri: string, changes: Readonly<Record<string, unknown>> = {}): { token: string; index: number } {
    const index = this.#indexes.get(uri) ?? 0
    this.#indexes.set(uri, index + 1)
    return { token: this.mint({ status: { status_list: { idx: index, uri } }, ...changes }), index }
  }

  /** The signed list; `changes` to its claims. */
  signList(uri: string, changes: Readonly<Record<string, unknown>> = {}, header: object = {}): string {
    const list = this.lists.get(uri) ?? { bytes: new Uint8Array(8) }
    const now = Math.floor(Date.now() / 1_000)
    const claims = {
      iss: this.url,
      sub: uri,
      iat: now,
      exp: now + 3_600,
      ttl: 10,
      status_list: { bits: 1, lst: deflateSync(list.bytes).toString('base64url') },
      epoch: this.epoch,
      version: this.version,
      ...changes,
    }
    return signJwt({ alg: 'RS256', typ: 'statuslist+jwt', kid: this.key.kid, ...header }, claims, this.key)
  }

  snapshot(): object {
    const lists = Object.fromEntries(
      [...this.lists].map(([uri, { version, size }]) => [uri, { version, size }]),
    )
    return { epoch: this.epoch, version: this.version, lists, withdrawn_keys: this.withdrawnKeys }
  }

  /** Sends an event to every stream. */
  push(type: string, data: object, id: string | undefined = `${this.epoch}.${this.version}`): void {
    for (const stream of this.streams) stream.write(toEvent(type, data, id))
  }

  cutStreams(): void {
    for (const stream of this.streams) stream.destroy()
    this.streams.clear()
  }

  /** Heartbeats are honest about what was committed and not yet sent. */
  beat(age: number = this.#lag()): void {
    for (const stream of this.streams) stream.write(this.#heartbeat(age))
  }

  #heartbeat(age: number): string {
    return toEvent('heartbeat', { version: this.version, age, at: this.tellAt?.() }, undefined)
  }

  #lag(): number {
    return this.committedAt === undefined ? 0 : Math.ceil(performance.now() - this.committedAt)
  }

  #scheduleHeartbeat(): void {
    this.#heart = setTimeout(() => {
      if (this.heartbeatEvery > 0 && this.isPushing) this.beat()
      this.#scheduleHeartbeat()
    }, this.heartbeatEvery || 50)
  }

  #set(uri: string, indexes: readonly number[]): void {
    const list = this.lists.get(uri)
    if (!list) return
    list.version = this.version + 1
    for (const index of indexes) {
      const at = Math.floor(index / 8)
      list.bytes[at] = (list.bytes[at] ?? 0) | (1 << (index % 8))
    }
  }

  #change(type: string, data: object): void {
    this.version++
    this.changes.push({ version: this.version, type, data })
    if (this.isPushing) this.push(type, data)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const route = findRoute(request.url ?? '')
    this.requests.push({ route: route ?? 'other', headers: request.headers })
    const answer = route && this.answers.get(route)
    if (answer) answer(request, response)
    else if (route === 'jwks') this.#answerJwks(response)
    else if (route === 'aggregation' && this.#lag() > 1_000) response.writeHead(503).end()
    else if (route === 'aggregation')
      sendJson(response, { status_lists: [...this.lists.keys()], mintage: this.snapshot() })
    else if (route === 'events') this.openStream(request, response)
    else if (route === 'introspect') sendJson(response, { active: this.active })
    else if (route === 'list' && this.lists.has(`${this.url}${request.url}`)) {
      response.setHeader('Content-Type', 'application/statuslist+jwt')
      response.end(this.signList(`${this.url}${request.url}`))
    } else response.writeHead(404).end()
  }

  #answerJwks(response: ServerResponse): void {
    response.setHeader('Cache-Control', `public, max-age=${this.maxAge}`)
    sendJson(response, this.jwks())
  }

  jwks(): { readonly keys: readonly object[] } {
    return {
      keys: this.keys.map(({ kid, publicKey }) => ({
        ...publicKey.export({ format: 'jwk' }),
        kid,
        use: 'sig',
        alg: 'RS256',
      })),
    }
  }

  #hasSince(version: number): boolean {
    return version === this.version || this.changes.some((change) => change.version === version + 1)
  }

  openStream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    const [, epoch, version] = /^(.*)\.(\d+)$/.exec(String(request.headers['last-event-id'] ?? '')) ?? []
    const from = Number(version)
    if (epoch === this.epoch && this.#hasSince(from)) {
      const id = `${this.epoch}.${from}`
      response.write(toEvent('resumed', { epoch: this.epoch, version: from }, id))
      for (const change of this.changes.filter((each) => each.version > from)) {
        response.write(toEvent(change.type, change.data, `${this.epoch}.${change.version}`))
      }
    } else response.write(toEvent('snapshot', this.snapshot(), `${this.epoch}.${this.version}`))
    if (this.heartbeatEvery > 0) response.write(this.#heartbeat(this.#lag()))
    this.streams.add(response)
    response.on('close', () => this.streams.delete(response))
  }
}

/** Starts one and stops it after the test. */
export async function startScriptedIssuer(t: ExecutionContext): Promise<ScriptedIssuer> {
  const issuer = new ScriptedIssuer()
  await issuer.start()
  t.teardown(() => issuer.stop())
  return issuer
}

export function signJwt(header: object, claims: object, { privateKey }: SigningKey): string {
  const input = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), privateKey).toString('base64url')}`
}

export function toEvent(type: string, data: object, id: string | undefined): string {
  return `event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}

export function sendJson(response: ServerResponse, body: object): void {
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(body))
}

function findRoute(path: string): Route | undefined {
  if (path === '/.well-known/jwks.json') return 'jwks'
  if (path === '/status-lists') return 'aggregation'
  if (path === '/status-lists/events') return 'events'
  if (path.startsWith('/status-lists/')) return 'list'
  return path === '/oauth2/introspect' ? 'introspect' : undefined
}
