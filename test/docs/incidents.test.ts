import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createVerifier } from '@mintage/verifier'
import test, { type ExecutionContext } from 'ava'
import { decodeJwt, decodeProtectedHeader, importPKCS8, SignJWT } from 'jose'
import { root } from '../../docs/generate/pages.ts'
import { type ChildInstallation, startChildInstallation } from '../support/child-installation.ts'
import { executable } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { basic, post, type TokenPair, toPair } from '../support/oauth.ts'
import { findSections, type PageSection, PageShell } from '../support/page-shell.ts'

const audience = 'https://api.example'
const password = 'correct horse battery staple'

interface Reader {
  /** Runs the blocks of a section, the next that has any. */
  follow(heading: string): Promise<void>
  readonly unfollowed: readonly PageSection[]
  read(file: string): string
}

test('every block on the page of incidents does what the page says of it', async (t) => {
  const installation = await startChildInstallation(t)
  const [billing] = await installation.prepare(async ({ apis, clients, users }) => {
    await apis.create(audience, {})
    await users.create('ada', { password })
    await clients.create('app', true, { grants: ['password', 'refresh_token'], audiences: [audience] })
    return [await clients.create('billing', false, { grants: ['client_credentials'], audiences: [audience] })]
  })
  const secret = billing?.secret ?? ''
  const server = await installation.serve()
  const verifier = createVerifier({ issuer: installation.issuer, audience })
  t.teardown(() => verifier.close())
  await verifier.ready()
  const verdict = async (token: string) => {
    const verified = verifier.verify(token)
    return verified.then(
      () => 'accepted',
      () => 'refused',
    )
  }
  const refusal = (token: string) =>
    eventually(
      () => verdict(token),
      (last) => last === 'refused',
    )
  const ask = (form: Readonly<Record<string, string>>) => post(`${server.url}/oauth2/token`, form)
  const logIn = async (): Promise<TokenPair> =>
    toPair(await ask({ grant_type: 'password', client_id: 'app', username: 'ada', password }))
  const refresh = ({ refresh_token }: TokenPair) =>
    ask({ grant_type: 'refresh_token', client_id: 'app', refresh_token })
  const askAsBilling = (secret: string) =>
    post(`${server.url}/oauth2/token`, { grant_type: 'client_credentials' }, basic({ id: 'billing', secret }))
  const { follow, unfollowed, read } = openPage(t, installation)

  await follow('')

  const before = await logIn()
  const forged = await forge(installation, before)
  t.is(await verdict(before.access_token), 'accepted')
  t.is(await verdict(forged), 'accepted', 'so dear is a key')
  await follow('A signing key has leaked')
  t.is(await refusal(before.access_token), 'refused')
  t.is(await verdict(forged), 'refused')
  const refreshed = toPair(await refresh(before))
  t.is(await verdict(refreshed.access_token), 'accepted')

  await follow('The keys directory has leaked')
  t.is(await refusal(refreshed.access_token), 'refused')
  t.is((await refresh(refreshed)).status, 400)
  const again = await logIn()
  t.is(await verdict(again.access_token), 'accepted')
  t.not(decodeProtectedHeader(again.access_token).kid, decodeProtectedHeader(refreshed.access_token).kid)

  await follow('The database has leaked')
  t.is((await refresh(again)).status, 400)
  t.is((await ask({ grant_type: 'password', client_id: 'app', username: 'ada', password })).status, 400)
  await installation.administerWith(`${password}\n`, 'user', 'set-password', 'ada')

  const own = await askAsBilling(secret)
  const ownToken = String(own.body['access_token'])
  t.is(await verdict(ownToken), 'accepted')
  await follow('A client’s secret has leaked')
  t.is(await refusal(ownToken), 'refused')
  t.is((await askAsBilling(secret)).status, 401)
  const renewed: { readonly client_secret: string } = JSON.parse(read('new-secret.json'))
  t.is((await askAsBilling(renewed.client_secret)).status, 200)

  const taken = await logIn()
  await follow('An account was taken over')
  t.is(await refusal(taken.access_token), 'refused')
  t.is((await refresh(taken)).status, 400)
  await installation.administerWith(`${password}\n`, 'user', 'set-password', 'ada')

  const stolen = await logIn()
  await follow('A refresh token was stolen')
  t.is(await refusal(stolen.access_token), 'refused')
  t.is((await refresh(stolen)).status, 400)
  t.deepEqual(unfollowed, [])
})

/** One reader of the page, in the directory of the installation, and the sections in their order. */
function openPage(t: ExecutionContext, { directory, issuer, keysDir }: ChildInstallation): Reader {
  const sections = [...findSections(readFileSync(new URL('docs/incidents.md', root), 'utf8'))]
  const commands = join(directory, 'bin')
  mkdirSync(commands)
  writeFileSync(join(commands, 'mintage'), `#!/bin/sh\nexec '${process.execPath}' '${executable}' "$@"\n`)
  chmodSync(join(commands, 'mintage'), 0o755)
  const shell = new PageShell(directory, {
    PATH: [commands, process.env['PATH']].join(delimiter),
    NAME: 'ada',
    CLIENT: 'billing',
    MINTAGE_ISSUER: issuer,
    MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'mintage.db')}`,
    MINTAGE_KEYS_DIR: keysDir,
    MINTAGE_BCRYPT_COST: '4',
  })
  t.teardown(() => shell.end())
  return {
    async follow(heading) {
      const section = sections.shift()
      t.is(section?.heading, heading.replace('’', "'"))
      for (const block of section?.blocks ?? []) await shell.run(block)
    },
    unfollowed: sections,
    read: (file) => readFileSync(join(directory, file), 'utf8'),
  }
}

/** What a thief of the key that signed a token can make of it: the same claims for another user. */
async function forge({ keysDir }: ChildInstallation, { access_token }: TokenPair): Promise<string> {
  const { kid = '' } = decodeProtectedHeader(access_token)
  const key = await importPKCS8(readFileSync(join(keysDir, `${kid}.pem`), 'utf8'), 'RS256')
  return new SignJWT({ ...decodeJwt(access_token), sub: 'usr_mallory', jti: 'forged' })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid })
    .sign(key)
}
