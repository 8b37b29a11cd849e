import type { Ended, World } from './world.ts'

/** One kind of change: the command that makes it, and how a client of the server notices. */
export interface Kind {
  readonly name: string
  /** Makes what the change needs; not measured. */
  prepare(n: number): Promise<void>
  change(): Promise<Ended>
  /** Whether the server acts accordingly; `ended` once the command has. */
  isVisible(ended: Ended | undefined): Promise<boolean>
}

const own = { grant_type: 'client_credentials' }
const grants = ['client_credentials', 'password', 'refresh_token'].flatMap((grant) => ['--grant', grant])
const password = 'vorpal sloth umbrella choir'
const audience = 'https://changing.example'

/** The kinds, each with a client, an API or a user of its own. */
export async function prepareKinds(world: World): Promise<readonly Kind[]> {
  await world.run(['api', 'create', audience, '--scope', 'a b'])
  const makeClient = async (id: string) => {
    const { printed } = await world.run(['client', 'create', '--id', id, ...grants, '--audience', audience])
    return String(printed['client_secret'])
  }
  const disabled = await makeClient('disabled')
  const rotated = { old: '', secret: await makeClient('rotated') }
  const scoped = await makeClient('scoped')
  const session = { secret: await makeClient('sessions'), token: '' }
  await world.run(['user', 'create', 'eve', '--password-stdin'], password)
  const created = { id: '' }
  const scope = { is: 'a b c', becomes: 'a b' }

  return [
    {
      name: 'client created → its first token',
      async prepare(n) {
        created.id = `created-${n}`
      },
      change: () => world.run(['client', 'create', '--id', created.id, ...grants, '--audience', audience]),
      // Nobody knows the secret before the command has printed it.
      async isVisible(ended) {
        if (!ended) return false
        return (await world.token(created.id, String(ended.printed['client_secret']), own)).status === 200
      },
    },
    {
      name: 'client disabled → refused',
      async prepare() {
        await world.run(['client', 'enable', 'disabled'])
        await until(async () => (await world.token('disabled', disabled, own)).status === 200)
      },
      change: () => world.run(['client', 'disable', 'disabled']),
      isVisible: async () => (await world.token('disabled', disabled, own)).status === 401,
    },
    {
      name: 'secret rotated, no overlap → the old one refused',
      async prepare() {
        rotated.old = rotated.secret
        await until(async () => (await world.token('rotated', rotated.old, own)).status === 200)
      },
      async change() {
        const ended = await world.run(['client', 'rotate-secret', 'rotated', '--overlap', '0s'])
        rotated.secret = String(ended.printed['client_secret'])
        return ended
      },
      isVisible: async () => (await world.token('rotated', rotated.old, own)).status === 401,
    },
    {
      name: 'scopes of an API changed → in the next token',
      async prepare() {
        ;[scope.is, scope.becomes] = [scope.becomes, scope.is]
      },
      change: () => world.run(['api', 'update', audience, '--scope', scope.becomes]),
      isVisible: async () => (await world.token('scoped', scoped, own)).scope === scope.becomes,
    },
    {
      name: 'user disabled → refresh refused',
      async prepare() {
        await world.run(['user', 'enable', 'eve'])
        const form = { grant_type: 'password', username: 'eve', password }
        await until(async () => {
          const { refreshToken } = await world.token('sessions', session.secret, form)
          session.token = refreshToken ?? ''
          return refreshToken !== undefined
        })
      },
      change: () => world.run(['user', 'disable', 'eve']),
      async isVisible() {
        const form = { grant_type: 'refresh_token', refresh_token: session.token }
        const { status, refreshToken } = await world.token('sessions', session.secret, form)
        session.token = refreshToken ?? session.token
        return status === 400
      },
    },
  ]
}

/** @throws when it takes half a minute. */
async function until(done: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await done()); ) {
    if (Date.now() > deadline) throw new Error('The server did not follow within half a minute.')
  }
}
