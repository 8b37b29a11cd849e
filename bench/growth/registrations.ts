import { execFileSync } from 'node:child_process'
import { createClientSecret } from '../../src/clients/client-secret.ts'
import { randomId } from '../../src/lib/ids.ts'
import { openStore } from '../../src/store/store.ts'
import type { MintageRecipe } from '../installation.ts'
import { readResident } from '../process-usage.ts'
import { ServerProcess } from '../server-process.ts'
import { renderBasic } from '../subjects/oauth.ts'
import { type Load, refreshLines, type Sample } from './load.ts'
import type { Line } from './phase.ts'
import type { World } from './world.ts'

/** What one stretch of load showed where so many clients or APIs are registered. */
export interface RegistrationSample extends Sample {
  readonly registered: number
  readonly asked: string
}

/** How long a change took to be acted on, in milliseconds, and what the requests after it cost. */
export interface ClientChange {
  /** From the exit of the command. */
  readonly refusedAfter: number
  readonly after: Sample
}

const own = 'grant_type=client_credentials'

/** Registers as many more clients, each like the first and with a secret of its own; says how they authenticate. */
export async function registerClients({ database }: World, count: number): Promise<readonly Line[]> {
  const store = await openStore({ url: `sqlite:${database}` })
  try {
    const [model] = await store.clients.list()
    if (!model) throw new Error('There is no client to copy.')
    return await store.transaction(async (tx) => {
      const lines: Line[] = []
      for (let number = 0; number < count; number++) {
        const client = { ...model, id: randomId('cli'), clientId: `service-${number}` }
        const { secret, record } = createClientSecret(client.id, tx.now)
        await tx.clients.insert(client)
        await tx.clients.insertSecret(record)
        lines.push({ authorization: renderBasic(client.clientId, secret), form: own })
      }
      tx.changed('clients')
      return lines
    })
  } finally {
    await store.close()
  }
}

/** Registers as many more APIs, each with two scopes of its own, all open to the one client there is. */
export async function registerApis({ database }: World, count: number): Promise<void> {
  const store = await openStore({ url: `sqlite:${database}` })
  try {
    const [client] = await store.clients.list()
    const [api] = await store.apis.list()
    if (!client || !api) throw new Error('There is nothing to copy.')
    await store.transaction(async (tx) => {
      await tx.clients.update({ ...client, audiences: null })
      for (let number = 0; number < count; number++) {
        const audience = audienceOf(number)
        const scopes = [`${number}:read`, `${number}:write`]
        await tx.apis.insert({ ...api, id: randomId('api'), audience, scopes, createdAt: tx.now + number })
      }
      tx.changed('apis')
    })
  } finally {
    await store.close()
  }
}

/** The same requests with few and with many APIs, in interleaved rounds. */
export async function measureApis(
  worlds: readonly { readonly world: World; readonly apis: number }[],
  load: Load,
  plan: { readonly rounds: number; readonly phase: number },
): Promise<readonly (readonly RegistrationSample[])[]> {
  const targets: {
    registered: number
    server: ServerProcess<MintageRecipe>
    kinds: Map<string, readonly Line[]>
  }[] = []
  try {
    for (const { world, apis } of worlds) {
      const { authorization } = world.recipe
      const numbers = Array.from({ length: 1_000 }, () => Math.floor(Math.random() * apis))
      const asking = (form: (number: number) => string) =>
        numbers.map((number) => ({ authorization, form: `${own}&${form(number)}` }))
      const kinds = new Map([
        ['no audience', asking(() => '')],
        ['a random audience', asking((number) => `resource=${encodeURIComponent(audienceOf(number))}`)],
        ['a scope of a random API', asking((number) => `scope=${number}:write`)],
        ['refresh', refreshLines(authorization, world.draw(1_000))],
      ])
      targets.push({ registered: apis, server: await ServerProcess.start(world.recipe), kinds })
    }
    return await measureRounds(targets, load, plan)
  } finally {
    for (const { server } of targets) await server.stop()
  }
}

/** Tokens for few of the clients and for random ones of all, in interleaved rounds; then a change to one of them. */
export async function measureClients(
  world: World,
  lines: readonly Line[],
  load: Load,
  plan: { readonly rounds: number; readonly phase: number },
) {
  const server = await ServerProcess.start(world.recipe)
  try {
    const start = {
      milliseconds: server.startedAfter,
      cpu: server.startCpu,
      resident: readResident(server.pid),
    }
    const shuffled = lines
      .map((line) => ({ line, place: Math.random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ line }) => line)
    const kinds = new Map([['few', shuffled.slice(0, 16)]])
    // Each of them for the first time: it is read, and a block of places is reserved for it.
    const first = (await load.measure(server, shuffled, plan.phase)).sample
    for (let asked = first.requests; shuffled.length - asked >= 100; ) {
      asked += (await load.measure(server, shuffled.slice(asked), plan.phase)).sample.requests
    }
    kinds.set('all', shuffled)
    const rounds = await measureRounds([{ registered: lines.length, server, kinds }], load, plan)
    const resident = readResident(server.pid)
    const change = await disableOne(world, server, lines, load, plan.phase)
    return { start, first, rounds, resident, change }
  } finally {
    await server.stop()
  }
}

/** One client is disabled by a command, beside the server, as an operator does it. */
async function disableOne(
  world: World,
  server: ServerProcess<MintageRecipe>,
  lines: readonly Line[],
  load: Load,
  milliseconds: number,
): Promise<ClientChange> {
  const { args, environment, port } = world.recipe
  const [executable = ''] = args
  const { authorization = '' } = lines[0] ?? {}
  execFileSync(process.execPath, [executable, 'client', 'disable', 'service-0'], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  })
  const ended = performance.now()
  for (;;) {
    const { status } = await fetch(`http://127.0.0.1:${port}/oauth2/token`, {
      method: 'POST',
      headers: { Authorization: authorization },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    if (status === 401) break
    if (performance.now() - ended > 10_000) throw new Error('A disabled client goes on getting tokens.')
  }
  const refusedAfter = performance.now() - ended
  return { refusedAfter, after: (await load.measure(server, lines.slice(1), milliseconds)).sample }
}

async function measureRounds(
  targets: readonly {
    readonly registered: number
    readonly server: ServerProcess<MintageRecipe>
    readonly kinds: Map<string, readonly Line[]>
  }[],
  load: Load,
  { rounds: count, phase }: { readonly rounds: number; readonly phase: number },
): Promise<readonly (readonly RegistrationSample[])[]> {
  const rounds: RegistrationSample[][] = []
  // The first one is for warming up.
  for (let round = 0; round <= count; round++) {
    const samples: RegistrationSample[] = []
    for (const { registered, server, kinds } of round % 2 === 0 ? targets : targets.toReversed()) {
      for (const [asked, lines] of kinds) {
        const measured = await load.measure(server, lines, phase)
        kinds.set(asked, measured.lines)
        samples.push({ registered, asked, ...measured.sample })
      }
    }
    if (round > 0) rounds.push(samples)
  }
  return rounds
}

function audienceOf(number: number): string {
  return `https://api-${number}.example`
}
