import type { ExecutionContext, TestFn } from 'ava'
import { AdminError } from '../../src/admin/admin-error.ts'
import type { ClientSettings } from '../../src/admin/client-admin.ts'
import { audience, openTestIssuer, password, TestClock, type TestIssuerOptions } from './in-process-issuer.ts'
import { type OAuthAnswer, read } from './oauth.ts'

/** What SimpleJWT gives for a login. */
export interface DjangoPair {
  readonly access: string
  readonly refresh: string
}

/** Posts JSON, as the clients of Django REST framework do; a string is sent as it is. */
export async function postJson(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<OAuthAnswer> {
  return read(
    await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  )
}

/** What the client says of itself besides its grants, and what the issuer is started with. */
export interface DjangoOptions {
  readonly client?: ClientSettings
  readonly issuer?: TestIssuerOptions
}

/**
 * An issuer under a clock of the test's own, that speaks one Django wire format for the public client `web`. The
 * client is made when the issuer runs, which therefore remembers nothing of it yet.
 * @param setting names the client of the format.
 */
export async function startDjango(t: ExecutionContext, setting: string, options: DjangoOptions = {}) {
  const spoken = await openDjango(setting, options)
  t.teardown(spoken.issuer.stop)
  return spoken
}

/** {@link startDjango} for SimpleJWT; paths are those below `/api/token/`. */
export async function startSimpleJwt(t: ExecutionContext, options: DjangoOptions = {}) {
  return toSimpleJwt(await startDjango(t, 'MINTAGE_SIMPLEJWT_CLIENT', options))
}

/**
 * The same for a whole file of serial tests. Each that asks for it finds another `ada`, who has never logged in.
 */
export function shareSimpleJwt(test: TestFn, options: DjangoOptions = {}) {
  let shared: ReturnType<typeof toSimpleJwt> | undefined
  test.before(async () => {
    shared = toSimpleJwt(await openDjango('MINTAGE_SIMPLEJWT_CLIENT', options))
  })
  test.after.always(async () => {
    await shared?.issuer.stop()
  })
  return async () => {
    if (!shared) throw new Error('The issuer is started before the tests.')
    const { users } = shared.issuer.administration
    await users.delete('ada').catch((error) => {
      if (!(error instanceof AdminError)) throw error
    })
    const user = await users.create('ada', { email: 'ada@example.org', password })
    return { ...shared, user }
  }
}

async function openDjango(setting: string, options: DjangoOptions) {
  const clock = new TestClock()
  const issuer = await openTestIssuer({
    clock,
    ...options.issuer,
    environment: { [setting]: 'web', ...options.issuer?.environment },
  })
  await issuer.administration.clients.create('web', true, {
    grants: ['password', 'refresh_token'],
    audiences: [audience],
    ...options.client,
  })
  const post = (path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
    postJson(`${issuer.url}${path}`, body, headers)
  return { issuer, user: issuer.user, clock, post }
}

function toSimpleJwt({ post: postTo, ...rest }: Awaited<ReturnType<typeof openDjango>>) {
  const post: typeof postTo = (path, body, headers) => postTo(`/api/token/${path}`, body, headers)
  const logIn = async (username = 'ada'): Promise<DjangoPair> => {
    const answer = await post('', { username, password })
    return { access: tokenOf(answer, 'access'), refresh: tokenOf(answer, 'refresh') }
  }
  return { ...rest, post, logIn }
}

export const tokenNotValid = (detail: string) => ({ detail, code: 'token_not_valid' })

/** The member of an answer that is a token, or an error that shows the answer. */
export function tokenOf(answer: OAuthAnswer, member: 'access' | 'refresh' | 'token'): string {
  const token = answer.body[member]
  if (typeof token !== 'string') throw new Error(`No ${member}, but ${answer.status} ${answer.text}`)
  return token
}
