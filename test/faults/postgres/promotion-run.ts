import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../support/eventually.ts'
import { type Issued, Ledger } from '../revocation-ledger.ts'
import { WatchedVerifier } from '../revocation-verifiers.ts'
import { Wire } from '../revocation-wire.ts'
import { Churn } from './churn.ts'
import type { Replication } from './cluster.ts'
import { Bookkeeping, type HonestClient } from './honest-client.ts'
import { beginSessions, countForked } from './kill-nodes-run.ts'
import { openSite, type Site } from './site.ts'

export interface PromotionOptions {
  readonly replication: Exclude<Replication, 'none'>
  readonly promotions: number
  readonly clients: number
  /** Between two refreshes of a client, in milliseconds, on average. */
  readonly pause: number
  /** How long the standby receives nothing before the primary is gone, in milliseconds. */
  readonly lag: number
  /** Whether the connections to the primary go silent, as when a machine is gone, and do not break until the promotion. */
  readonly isSilent?: boolean
  readonly say?: (line: string) => void
}

export interface PromotionResult {
  promotions: number
  refreshed: number
  /** Sessions of honest clients that the database still has and that were refused. */
  wronglyEnded: number
  forked: number
  /** Tokens that were ahead of their session's row and taken over. */
  adoptions: number
  /** Logins that were answered and of which the new primary knows nothing. */
  lostLogins: number
  logins: number
  /** Sessions whose revocation was lost before any node had told it, and whose access tokens verifiers went on to accept. */
  acceptedOfLost: number
  /** Revocations that were answered and are not in the new primary. */
  lostRevocations: number
  revocations: number
  /** Of those sessions, the ones that a node ended again, for it had heard of it. */
  endedAgain: number
  /** And those whose refresh token got a token pair again. */
  resurrected: number
  /** Of their new access tokens, those that a verifier accepted. */
  acceptedOfResurrected: number
  /** Sessions of which only an access token was revoked, that were ended since nobody could tell that. */
  endedWithAccess: number
  /** The same, but that live on, and whose new access tokens are refused. */
  crippled: number
  /** What verifiers said that they must not: above all, that they accepted what they had refused. */
  verifierFaults: readonly string[]
  /** From the loss of the primary, and from the order to promote, to the first refresh that succeeded, in milliseconds. */
  readonly sinceCrash: number[]
  readonly sincePromotion: number[]
  /** What the servers logged, and how often. */
  says: ReadonlyMap<string, number>
  /** What a node says that is started afterwards, if it refuses. */
  refusal: string | undefined
}

/** Loses the primary under load and promotes its standby, again and again, with a new standby each time. */
export async function promoteUnderLoad(options: PromotionOptions): Promise<PromotionResult> {
  const site = await openSite({ replication: options.replication })
  const books = new Bookkeeping()
  const ledger = new Ledger()
  const churn = new Churn(site.installation, ledger)
  const wires = await Promise.all([0, 1].map(() => Wire.open(() => [site.url])))
  const verifiers = wires.map(
    (wire, index) => new WatchedVerifier(`verifier ${index}`, site.url, wire, ledger, {}),
  )
  const clients = await beginSessions(site, options.clients, books)
  const result = emptyResult()
  const load = new AbortController()
  const lost = new Set<string>()
  try {
    await Promise.all(verifiers.map((verifier) => verifier.ready()))
    const choose = () => pickLate(ledger.issued)
    const working = Promise.all([
      ...clients.map((each) => each.work(site.url, options.pause, load.signal)),
      ...[0, 1].map(() => churn.work(site.url, options.pause, load.signal)),
      ...verifiers.map((verifier) => verifier.work(choose, load.signal)),
    ])
    while (result.promotions < options.promotions) {
      if (result.promotions > 0) await site.cluster.addStandby()
      await delay(1_000 + Math.random() * 1_000)
      await promoteOnce(site, options, books, clients, churn, result)
      // What verifiers may not know yet is known by then, or they call themselves stale.
      await delay(2_500)
      await judge(site, churn, verifiers, lost, result)
      result.wronglyEnded += await countWronglyEnded(site, books)
      options.say?.(summarise(result))
    }
    load.abort()
    await working
    result.refreshed = books.refreshed
    result.forked = books.forked + (await countForked(site, clients))
    // What nobody who lives has heard of, nobody can tell them.
    const lateOf = (subject: string) =>
      ledger.violations.filter(
        (fault) => fault.includes(`session:${subject})`) && fault.includes(' too long ago '),
      )
    const excused = new Set([...lost].flatMap(lateOf))
    result.acceptedOfLost = [...lost].filter((handle) => lateOf(handle).length > 0).length
    result.verifierFaults = ledger.violations.filter((fault) => !excused.has(fault))
    const lines = site.nodes.flatMap((node) => node.log)
    result.adoptions = lines.filter(({ event }) => event === 'session.adopted').length
    result.says = countLines(lines)
    result.refusal = await restart(site)
    return result
  } finally {
    load.abort()
    for (const verifier of verifiers) verifier.close()
    for (const wire of wires) wire.close()
    for (const client of clients) client.close()
    churn.close()
    await site.close()
  }
}

async function promoteOnce(
  { cluster, nodes }: Site,
  options: PromotionOptions,
  books: Bookkeeping,
  clients: readonly HonestClient[],
  churn: Churn,
  result: PromotionResult,
): Promise<void> {
  if (options.lag > 0) {
    const before = await Promise.all(nodes.map(({ mark }) => mark()))
    const told = churn.told.length
    cluster.replication.set('held')
    // At least something of every kind is to be lost, however slow this machine is: refreshes, logins, and what nodes have seen.
    await Promise.all([delay(options.lag), untilAllMove(clients)])
    await eventually(
      async () => Promise.all(nodes.map(({ mark }) => mark())),
      (marks) => churn.told.length > told + 1 && marks.every((mark, index) => mark > (before[index] ?? 0)),
    )
  }
  const crashedAt = await cluster.crashPrimary(options.isSilent)
  // Nobody notices at once.
  await delay(300 + Math.random() * 700)
  const orderedAt = performance.now()
  await cluster.promote()
  result.promotions++
  await untilAllMove(clients)
  // From the crash to the order nobody can have succeeded.
  const first = books.firstAfter(orderedAt)
  result.sinceCrash.push(first - crashedAt)
  result.sincePromotion.push(first - orderedAt)
}

/** Until every client has refreshed once more. */
export async function untilAllMove(clients: readonly HonestClient[]): Promise<void> {
  const tokens = clients.map((client) => client.token)
  const moved = async () => clients.filter((client, index) => client.token !== tokens[index]).length
  const last = await eventually(moved, (count) => count === clients.length)
  if (last !== clients.length) throw new Error(`${clients.length - last} clients do not get on.`)
}

/** Compares what was answered with what the new primary knows. */
async function judge(
  site: Site,
  churn: Churn,
  verifiers: readonly WatchedVerifier[],
  lost: Set<string>,
  result: PromotionResult,
): Promise<void> {
  // What is answered from now on is for the next time.
  const told = churn.told.splice(0)
  const [verifier] = verifiers
  const refused = async (access: Issued) => (await verifier?.present(access)) === '401 revoked'
  for (const each of told) {
    if (each.fate === 'unknown') continue
    result.logins++
    const row = await site.installation.store.sessions.findByHandle(each.handle)
    if (each.fate === 'revoked') result.revocations++
    const isEndedAgain = row?.endReason === 'revocation_lost'
    if (!row) {
      result.lostLogins++
      lost.add(each.handle)
    } else if (isEndedAgain && each.fate === 'revoked') {
      result.lostRevocations++
      result.endedAgain++
    } else if (isEndedAgain && each.fate === 'access token revoked') {
      result.endedWithAccess++
    } else if (isEndedAgain) {
      result.wronglyEnded++
    } else if (each.fate === 'revoked' && row.endedAt === null) {
      lost.add(each.handle)
      result.lostRevocations++
      const again = await churn.refresh(site.url, each)
      if (again) result.resurrected++
      if (again && !(await refused(again))) result.acceptedOfResurrected++
      await churn.revoke(site.url, each)
    } else if (each.fate === 'access token revoked' && row.endedAt === null) {
      lost.add(each.handle)
      const next = await churn.refresh(site.url, each)
      if (next && (await refused(next))) result.crippled++
    }
  }
}

/** Of the sessions that were refused, those that the database still has. The others went with a login that was lost. */
export async function countWronglyEnded({ installation }: Site, books: Bookkeeping): Promise<number> {
  let ended = 0
  for (const { handle } of books.refused.splice(0)) {
    if (await installation.store.sessions.findByHandle(handle)) ended++
  }
  return ended
}

/** What the nodes say when they are started again: nothing, or that they refuse. */
async function restart(site: Site): Promise<string | undefined> {
  const [node] = site.nodes
  await node?.end('SIGTERM')
  try {
    await node?.start()
    return undefined
  } catch (error) {
    const says = String(error)
    const { code, stderr } = await site.installation.run('recover', '--accept-resurrection')
    if (code !== 0) throw new Error(`mintage recover ended with ${code}: ${stderr}`, { cause: error })
    // As the page tells: once recovered, it starts.
    await node?.start()
    return /mintage: [^\n]*/.exec(says)?.[0] ?? says
  }
}

function emptyResult(): PromotionResult {
  return {
    promotions: 0,
    refreshed: 0,
    wronglyEnded: 0,
    forked: 0,
    adoptions: 0,
    lostLogins: 0,
    logins: 0,
    lostRevocations: 0,
    revocations: 0,
    endedAgain: 0,
    resurrected: 0,
    acceptedOfResurrected: 0,
    endedWithAccess: 0,
    crippled: 0,
    acceptedOfLost: 0,
    verifierFaults: [],
    sinceCrash: [],
    sincePromotion: [],
    says: new Map(),
    refusal: undefined,
  }
}

function summarise({ promotions, sinceCrash, sincePromotion, ...rest }: PromotionResult): string {
  const [crash = 0, promotion = 0] = [sinceCrash.at(-1), sincePromotion.at(-1)]
  return (
    `promotion ${promotions}: recovered ${Math.round(crash)} ms after the crash, ${Math.round(promotion)} ms after ` +
    `the order; ${rest.lostLogins} logins and ${rest.lostRevocations} revocations lost so far`
  )
}

/** Mostly one of the latest. */
function pickLate(issued: readonly Issued[]): Issued | undefined {
  const some = Math.random() < 0.7 ? issued.slice(-50) : issued
  return some[Math.floor(Math.random() * some.length)]
}

function countLines(
  lines: readonly { readonly event?: string; readonly err?: unknown; readonly message?: unknown }[],
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { event, err, message } of lines) {
    const said = message ?? (typeof err === 'object' && err !== null && 'message' in err ? err.message : '')
    const line = `${event}: ${said}`.replace(/\(\/[^)]*\)/g, '(…)').replace(/\d{2,}/g, 'N')
    counts.set(line, (counts.get(line) ?? 0) + 1)
  }
  return counts
}
