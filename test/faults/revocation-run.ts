import { setTimeout as sleep } from 'node:timers/promises'
import { AdminError } from '../../src/admin/admin-error.ts'
import { eventually } from '../support/eventually.ts'
import { audience, password } from '../support/in-process-issuer.ts'
import { decodeClaims } from '../support/oauth.ts'
import { createInstallation, type SharedInstallation } from '../support/shared-installation.ts'
import { type Answer, LostAnswerError, TokenClient } from '../support/token-client.ts'
import { type Issued, Ledger } from './revocation-ledger.ts'
import { Node, seeded } from './revocation-nodes.ts'
import { WatchedVerifier } from './revocation-verifiers.ts'
import { Wire } from './revocation-wire.ts'

export interface RevocationOptions {
  readonly seconds: number
  readonly seed: number
}

/** What came of it. */
export interface RevocationFigures {
  readonly seconds: number
  readonly tokens: number
  readonly revocations: number
  /** Of which nobody knows whether they were carried out. */
  readonly unknown: number
  readonly operations: ReadonlyMap<string, number>
  readonly verdicts: ReadonlyMap<string, number>
  /** What the verifiers told. */
  readonly told: ReadonlyMap<string, number>
  /** Milliseconds. */
  readonly latestFresh: number
  readonly violations: readonly string[]
}

/** Two issuers on one database, verifiers behind wires, and everything that happens to them for some seconds. */
export async function runRevocation(options: RevocationOptions): Promise<RevocationFigures> {
  const started = performance.now()
  const nodes: Node[] = []
  const targets = () => nodes.flatMap((node) => node.url ?? [])
  const front = await Wire.open(targets)
  const installation = await createInstallation({
    environment: { MINTAGE_ISSUER: front.url, MINTAGE_JWKS_MAX_AGE: '1s', MINTAGE_THROTTLE: 'off' },
  })
  const ledger = new Ledger()
  const verifiers: WatchedVerifier[] = []
  try {
    for (let i = 0; i < 2; i++) {
      const node = new Node(installation)
      nodes.push(node)
      await node.start()
    }
    for (let i = 0; i < 8; i++) {
      const isPolling = i >= 6
      const wire = i < 2 ? front : await Wire.open(targets)
      const name = `${isPolling ? 'poll' : 'push'} ${i}`
      verifiers.push(
        new WatchedVerifier(name, front.url, wire, ledger, {
          revocation: isPolling ? 'poll' : 'push',
          ...(i % 2 === 1 && { pollInterval: '2s' }),
        }),
      )
    }
    await Promise.all(verifiers.map((verifier) => verifier.ready()))
    const world = new RevocationWorld(installation, nodes, verifiers, ledger, options.seed)
    await world.run(options.seconds)
    await world.settle()
    return {
      seconds: Math.round((performance.now() - started) / 1_000),
      tokens: ledger.issued.length,
      revocations: ledger.revocations,
      unknown: ledger.issued.filter((token) => ledger.isUnknown(token)).length,
      operations: world.operations,
      verdicts: ledger.verdicts,
      told: sum(verifiers.map(({ told }) => told)),
      latestFresh: Math.round(ledger.latestFresh),
      violations: ledger.violations,
    }
  } finally {
    for (const verifier of verifiers) verifier.close()
    for (const { wire } of verifiers) wire.close()
    front.close()
    for (const node of nodes) await node.kill()
    await installation.close()
  }
}

/** A session, or a client's own token, as whoever holds it knows it. */
interface Holding {
  readonly access: Issued
  /** Undefined without a session, and when an answer with a newer one was lost. */
  refresh: string | undefined
  readonly client: TokenClient
  readonly clientId: string
  readonly user: string | undefined
  readonly sid: string | undefined
}

type Act = () => Promise<void>

class RevocationWorld {
  readonly operations = new Map<string, number>()
  readonly #installation: SharedInstallation
  readonly #nodes: readonly Node[]
  readonly #verifiers: readonly WatchedVerifier[]
  readonly #wires: readonly Wire[]
  readonly #ledger: Ledger
  readonly #random: () => number
  readonly #service: TokenClient
  readonly #holdings: Holding[] = []
  readonly #problems: unknown[] = []
  readonly #clients = new Map<string, TokenClient>()
  #names = 0

  constructor(
    installation: SharedInstallation,
    nodes: readonly Node[],
    verifiers: readonly WatchedVerifier[],
    ledger: Ledger,
    seed: number,
  ) {
    this.#installation = installation
    this.#nodes = nodes
    this.#verifiers = verifiers
    this.#wires = [...new Set(verifiers.map(({ wire }) => wire))]
    this.#ledger = ledger
    this.#random = seeded(seed)
    this.#service = new TokenClient(installation.service, 8)
  }

  /** Lets everything happen at once for so many seconds; what is under way then comes to its end. */
  async run(seconds: number): Promise<void> {
    const { signal, stop } = stoppable()
    const loop = async (
      acts: Readonly<Record<string, readonly [weight: number, act: Act]>>,
      pause: number,
    ) => {
      const names = Object.entries(acts).flatMap(([name, [weight]]) => Array<string>(weight).fill(name))
      while (!signal.aborted) {
        const name = this.#pick(names) ?? ''
        await this.#count(name, acts[name]?.[1] ?? (async () => undefined))
        await sleep(this.#random() * pause)
      }
    }
    const working = [
      ...Array.from({ length: 3 }, () => loop(this.#makings, 60)),
      ...Array.from({ length: 3 }, () => loop(this.#revocations, 250)),
      ...Array.from({ length: 3 }, () => loop(this.#wireFaults, 500)),
      loop(this.#nodeFaults, 3_000),
      loop(this.#keyActs, 5_000),
      ...this.#verifiers.map((verifier) => verifier.work(() => this.#choose(), signal)),
    ]
    await sleep(seconds * 1_000)
    stop()
    await Promise.all(working)
    if (this.#problems.length > 0) throw new AggregateError(this.#problems, 'The run itself went wrong.')
  }

  /** When all is well again, every verifier refuses exactly what was revoked. */
  async settle(): Promise<void> {
    for (const wire of this.#wires) wire.set('none')
    for (const verifier of this.#verifiers) verifier.wallOffset = 0
    for (const client of [this.#service, ...this.#clients.values()]) client.close()
    await Promise.all(this.#verifiers.map((verifier) => this.#settleOne(verifier)))
  }

  async #settleOne(verifier: WatchedVerifier): Promise<void> {
    const { violations, issued } = this.#ledger
    const isRight = (token: Issued, outcome: string) =>
      this.#ledger.isTried(token) ? outcome.startsWith('401 ') : outcome === 'accepted'
    const judged = issued.filter((token) => !this.#ledger.isUnknown(token))
    const wrong = await eventually(
      async () => {
        const left: string[] = []
        for (const token of judged) {
          const outcome = await verifier.present(token)
          if (!isRight(token, outcome)) left.push(`${outcome} for ${token.subjects.join(' ')}`)
        }
        return left
      },
      (left) => left.length === 0,
      60_000,
    )
    for (const each of wrong) violations.push(`${verifier.name}, at the end: ${each}`)
    const state = await eventually(
      async () => verifier.state,
      (last) => last === 'fresh',
      60_000,
    )
    if (state !== 'fresh') violations.push(`${verifier.name} ended ${state}`)
  }

  readonly #makings: Readonly<Record<string, readonly [number, Act]>> = {
    'log in': [4, () => this.#login(this.#installation.username)],
    'log a new user in twice': [
      1,
      async () => {
        const user = `user-${++this.#names}`
        await this.#installation.administration.users.create(user, { password })
        await this.#login(user)
        await this.#login(user)
      },
    ],
    'token of the service itself': [2, () => this.#ownToken(this.#service, 'service')],
    'tokens of a new client': [1, () => this.#newClient()],
    refresh: [2, () => this.#refresh()],
  }

  readonly #revocations: Readonly<Record<string, readonly [number, Act]>> = {
    'revoke by refresh token': [4, () => this.#revokeSession()],
    'revoke by access token': [4, () => this.#revokeAccess()],
    'session revoke': [
      3,
      async () => {
        const sid = this.#pick(this.#live().filter((each) => each.sid !== undefined))?.sid
        if (sid) await this.#administer(`sid:${sid}`, ({ sessions }) => sessions.revoke(sid))
      },
    ],
    'user disable': [
      2,
      async () => {
        const user = this.#pick(this.#live().filter((each) => each.user?.startsWith('user-')))?.user
        if (user) await this.#administer(`user:${user}`, ({ users }) => users.disable(user))
      },
    ],
    'client disable': [
      2,
      async () => {
        const id = this.#pick(this.#live().filter((each) => each.clientId !== 'service'))?.clientId
        if (id) await this.#administer(`client:${id}`, ({ clients }) => clients.disable(id))
      },
    ],
  }

  readonly #wireFaults: Readonly<Record<string, readonly [number, Act]>> = {
    cut: [2, async () => this.#pick(this.#wires)?.cut()],
    'cut all': [
      1,
      async () => {
        for (const wire of this.#wires) wire.cut()
      },
    ],
    delay: [3, () => this.#hurt('delayed', 200 + this.#random() * 4_000)],
    'hold back': [3, () => this.#hurt('held')],
    'down for a while': [2, () => this.#hurt('down')],
    'delay, then down': [3, () => this.#slowThenGone()],
    'set a clock': [
      2,
      async () => {
        const verifier = this.#pick(this.#verifiers)
        if (!verifier) return
        verifier.wallOffset = (this.#random() * 2 - 1) * 600_000
        await sleep(this.#random() * 2_000)
        verifier.wallOffset = 0
      },
    ],
  }

  readonly #nodeFaults: Readonly<Record<string, readonly [number, Act]>> = {
    'kill -9 right after a revocation': [2, () => this.#withNode((node) => this.#killAfter(node, false))],
    'kill -9 within a revocation': [2, () => this.#withNode((node) => this.#killAfter(node, true))],
    'graceful restart': [
      1,
      () =>
        this.#withNode(async (node) => {
          await node.end('SIGTERM')
          await node.start()
        }),
    ],
    'stop and continue': [
      3,
      () =>
        this.#withNode(async (node) => {
          node.signal('SIGSTOP')
          await sleep(this.#random() * 9_000)
          node.signal('SIGCONT')
        }),
    ],
    'stop and continue both': [
      1,
      async () => {
        for (const node of this.#nodes) node.signal('SIGSTOP')
        await sleep(this.#random() * 9_000)
        for (const node of this.#nodes) node.signal('SIGCONT')
      },
    ],
  }

  readonly #keyActs: Readonly<Record<string, readonly [number, Act]>> = {
    'keys rotate': [
      2,
      async () => {
        await this.#tolerate(() => this.#installation.administration.keys.rotate())
      },
    ],
    'keys revoke': [
      1,
      async () => {
        const kid = this.#ledger.issued.at(-1)?.kid
        if (kid) await this.#administer(`kid:${kid}`, ({ keys }) => keys.revoke(kid))
      },
    ],
    'leave the keys alone': [3, async () => undefined],
  }

  async #login(user: string): Promise<void> {
    await this.#make(this.#service, 'service', user, (url) => this.#service.login(url, user))
  }

  async #ownToken(client: TokenClient, id: string): Promise<void> {
    await this.#make(client, id, undefined, (url) =>
      client.post(`${url}/oauth2/token`, { grant_type: 'client_credentials' }),
    )
  }

  async #newClient(): Promise<void> {
    const id = `client-${++this.#names}`
    const { secret = '' } = await this.#installation.administration.clients.create(id, false, {
      grants: ['client_credentials', 'password'],
      audiences: [audience],
    })
    const client = new TokenClient({ id, secret }, 4)
    this.#clients.set(id, client)
    await this.#ownToken(client, id)
    await this.#ownToken(client, id)
    const { username } = this.#installation
    await this.#make(client, id, username, (url) => client.login(url, username))
  }

  async #make(
    client: TokenClient,
    clientId: string,
    user: string | undefined,
    ask: (url: string) => Promise<Answer>,
  ): Promise<Holding | undefined> {
    const answer = await this.#ask(ask)
    const text = answer?.body['access_token']
    if (typeof text !== 'string') return undefined
    const owners = [`client:${clientId}`, ...(user === undefined ? [] : [`user:${user}`])]
    const access = this.#ledger.add(text, owners)
    const refresh = answer?.body['refresh_token']
    const { sid } = decodeClaims(text)
    const holding = {
      access,
      refresh: typeof refresh === 'string' ? refresh : undefined,
      client,
      clientId,
      user,
      sid: typeof sid === 'string' ? sid : undefined,
    }
    this.#holdings.push(holding)
    return holding
  }

  async #refresh(): Promise<void> {
    const held = this.#pick(this.#live().filter(({ refresh }) => refresh !== undefined))
    if (!held?.refresh) return
    const { refresh, client, clientId, user } = held
    held.refresh = undefined
    await this.#make(client, clientId, user, (url) => client.refresh(url, refresh))
  }

  async #revokeSession(node?: string): Promise<void> {
    const held = this.#pick(
      this.#live().filter(({ refresh, sid }) => refresh !== undefined && sid !== undefined),
    )
    const { refresh, client, sid } = held ?? {}
    if (held) held.refresh = undefined
    if (refresh && client) await this.#revoke(`sid:${sid}`, client, refresh, node)
  }

  async #revokeAccess(): Promise<void> {
    const held = this.#pick(this.#live())
    if (held) await this.#revoke(`place:${held.access.place}`, held.client, held.access.text)
  }

  async #revoke(subject: string, client: TokenClient, token: string, node?: string): Promise<void> {
    await this.#ledger.revoke(subject, async () => {
      const answer = await this.#ask((url) => client.post(`${node ?? url}/oauth2/revoke`, { token }))
      return answer?.status === 200
    })
  }

  async #administer(
    subject: string,
    act: (administration: SharedInstallation['administration']) => Promise<unknown>,
  ): Promise<void> {
    await this.#ledger.revoke(subject, () => this.#tolerate(() => act(this.#installation.administration)))
  }

  async #killAfter(node: Node, isWithin: boolean): Promise<void> {
    const revoking = this.#revokeSession(node.url)
    await (isWithin ? sleep(this.#random() * 12) : revoking)
    await node.kill()
    await revoking
    // What it left is numbered by the other one meanwhile, or by itself when it is back.
    await sleep(this.#random() * 1_000)
    await node.start()
  }

  async #withNode(act: (node: Node) => Promise<void>): Promise<void> {
    const node = this.#pick(this.#nodes)
    if (node) await act(node)
  }

  /** Hurts a wire for a while, at most of which is so long that a stream counts as lost. */
  async #hurt(fault: 'delayed' | 'held' | 'down', delay?: number): Promise<void> {
    const wire = this.#pick(this.#wires)
    wire?.set(fault, delay)
    await sleep(this.#random() * 10_000)
    // Sometimes what was slow breaks altogether, with what is still under way.
    if (this.#random() < 0.4) {
      wire?.set('down')
      await sleep(this.#random() * 9_000)
    }
    wire?.set('none')
  }

  /** What a verifier hears last was old already when it came. */
  async #slowThenGone(): Promise<void> {
    const wire = this.#pick(this.#wires)
    wire?.set('delayed', 2_000 + this.#random() * 1_900)
    await sleep(5_000 + this.#random() * 3_000)
    wire?.set('down')
    await sleep(9_000)
    wire?.set('none')
  }

  /** Asks an issuer that runs; undefined when no answer came. */
  async #ask(ask: (url: string) => Promise<Answer>): Promise<Answer | undefined> {
    const url = this.#pick(this.#nodes.flatMap((node) => node.url ?? []))
    if (url === undefined) return undefined
    try {
      const answer = await ask(url)
      if (answer.status !== 200) this.#note(`answered with ${answer.status}`)
      return answer
    } catch (error) {
      if (!(error instanceof LostAnswerError)) throw error
      this.#note('answer lost')
      return undefined
    }
  }

  /** Whether it was done; what cannot be done at the moment is no concern here. */
  async #tolerate(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act()
      return true
    } catch (error) {
      this.#note(error instanceof AdminError ? 'administration refused' : 'administration failed')
      return false
    }
  }

  async #count(name: string, act: Act): Promise<void> {
    this.#note(name)
    try {
      await act()
    } catch (error) {
      if (error instanceof Error && error.name === 'StoreUnavailableError') return this.#note('database busy')
      this.#problems.push(error)
    }
  }

  #note(name: string): void {
    this.operations.set(name, (this.operations.get(name) ?? 0) + 1)
  }

  /** Of the latest, those that nobody has tried to revoke. */
  #live(): readonly Holding[] {
    return this.#holdings.slice(-200).filter(({ access }) => !this.#ledger.isTried(access))
  }

  /** A token to present: mostly one of the latest. */
  #choose(): Issued | undefined {
    const { issued } = this.#ledger
    return this.#pick(Math.random() < 0.7 ? issued.slice(-150) : issued, Math.random)
  }

  #pick<T>(list: readonly T[], random = this.#random): T | undefined {
    return list[Math.floor(random() * list.length)]
  }
}

function stoppable(): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController()
  return { signal: controller.signal, stop: () => controller.abort() }
}

function sum(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>()
  for (const each of counts) for (const [name, count] of each) all.set(name, (all.get(name) ?? 0) + count)
  return all
}
