import test, { type ExecutionContext } from 'ava'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { type ChildIssuer, runMintage, startChildIssuer } from '../support/child-issuer.ts'
import { makeDirectory, registerAccounts, serveEnvironment } from '../support/installation.ts'
import { type TokenPair, toPair } from '../support/oauth.ts'
import { isActive, login, refresh } from '../support/requests.ts'
import { ofFuture } from './future-version.ts'

async function install(t: ExecutionContext) {
  const environment = serveEnvironment(makeDirectory(t))
  const { service } = await registerAccounts(environment)
  const start = async (more: Readonly<Record<string, string>> = {}): Promise<ChildIssuer> => {
    const issuer = await startChildIssuer(['serve'], { ...environment, ...more })
    t.teardown(() => issuer.end())
    return issuer
  }
  return { environment, service, start }
}

test('nodes of a version and of the next one, whose migration only adds, serve one database at once; either can be started last', async (t) => {
  const { environment, service, start } = await install(t)
  const here = await start()
  const sessions = await Promise.all([1, 2, 3].map(() => login({ url: here.url, service })))
  const next = await start(ofFuture('additive'))
  let nodes: readonly ChildIssuer[] = [here, next]
  const nodeOf = (turn: number) => ({ url: nodes[turn % 2]?.url ?? '', service })
  const use = async (pair: TokenPair, turns: number, first: number): Promise<TokenPair> => {
    let latest = pair
    for (let turn = first; turn < first + turns; turn++) {
      const [one, other] = [nodeOf(turn), nodeOf(turn + 1)]
      const renewed = toPair(await refresh(one, latest.refresh_token))
      // As if the answer had been lost, and the proxy had sent the retry elsewhere.
      t.is(toPair(await refresh(other, latest.refresh_token)).refresh_token, renewed.refresh_token)
      t.is(await isActive(other, renewed.access_token), true)
      const jwks = createRemoteJWKSet(new URL(`${other.url}/.well-known/jwks.json`))
      await jwtVerify(renewed.access_token, jwks, { issuer: environment['MINTAGE_ISSUER'] ?? '' })
      latest = renewed
    }
    return latest
  }
  const used = await Promise.all(sessions.map((pair, index) => use(pair, 6, index)))

  t.is(await here.end(), 0)
  const again = await start()
  nodes = [again, next]
  await Promise.all(
    [...used, await login({ url: next.url, service })].map((pair, index) => use(pair, 4, index)),
  )
  const { stdout } = await runMintage(['doctor'], environment)
  t.regex(stdout, /newer version of Mintage has added to the schema \(9001-added\)/)
})

test('a version that a migration of the next one breaks is refused by what it lacks', async (t) => {
  const { environment } = await install(t)
  t.is((await runMintage(['migrate'], { ...environment, ...ofFuture('additive', 'breaking') })).code, 0)
  const { code, stderr } = await runMintage(['serve'], environment)
  t.is(code, 1)
  t.regex(
    stderr,
    /newer version of Mintage: it has 9002-renamed, .*knows the schema up to 00\d\d-[a-z-]+\. Run that version/,
  )
  t.false(stderr.includes('9001-added'), 'what only adds is no reason')
})
