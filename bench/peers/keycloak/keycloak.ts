import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findFreePort } from '../../server-process.ts'
import { renderBasic, renderGrants, renderTokenRequest } from '../../subjects/oauth.ts'
import type { Subject } from '../../subjects/subject.ts'
import { verifyByKeySet } from '../../subjects/verification.ts'
import { clientSecret, password } from '../credentials.ts'
import { createDatabase } from '../database.ts'
import { ask, beginSessions, readRefreshToken, warmUp } from '../sessions.ts'

const run = promisify(execFile)
const version = '26.7.3'
const sha256 = '27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f'
const realm = fileURLToPath(new URL('../../../../bench/peers/keycloak/realm.json', import.meta.url))

/**
 * Keycloak on PostgreSQL, as its guides want it in production: built for its database, started with `--optimized`,
 * plain HTTP because a proxy would end TLS before it, default heap, log and caches of one node.
 */
export const keycloak: Subject = {
  name: 'keycloak',
  signature: 'RS256',
  durable: 'every refresh (PostgreSQL with its defaults); a client_credentials token leaves no session',
  async install({ directory, cache, sessions }) {
    const home = join(directory, 'home')
    cpSync(await download(cache), home, { recursive: true })
    const database = await createDatabase(directory)
    const port = await findFreePort()
    const origin = `http://127.0.0.1:${port}`
    const environment = {
      KC_DB_URL: database.jdbc,
      KC_DB_USERNAME: 'postgres',
      KC_DB_PASSWORD: 'unused',
      KC_HOSTNAME: origin,
      KC_HTTP_ENABLED: 'true',
      KC_HTTP_HOST: '127.0.0.1',
      KC_HTTP_PORT: String(port),
      // There is one node: no cluster to be formed, which is to its advantage.
      KC_CACHE: 'local',
    }
    const script = join(home, 'bin/kc.sh')
    const ownRealm = join(directory, 'realm.json')
    const text = readFileSync(realm, 'utf8')
    writeFileSync(ownRealm, text.replace('CLIENT_SECRET', clientSecret).replace('PASSWORD', password))
    const { command = '', args } = database.serve(script, ['import', '--optimized', '--file', ownRealm])
    await run(command, args, { env: { ...process.env, ...environment } })
    const path = '/realms/bench/protocol/openid-connect/token'
    const authorization = renderBasic('service', clientSecret)
    const requests = renderGrants(path, authorization)
    const login = renderTokenRequest(path, authorization, {
      grant_type: 'password',
      username: 'ada',
      password,
    })
    return {
      recipe: {
        name: 'keycloak',
        ...database.serve(script, ['start', '--optimized']),
        environment,
        port,
        readiness: requests.client_credentials,
        patience: 180_000,
      },
      requests,
      startSessions: async () => {
        const tokens = await beginSessions(sessions, async () => readRefreshToken(await ask(origin, login)))
        return warmUp(origin, requests, tokens)
      },
      verify: verifyByKeySet(`${origin}/realms/bench/protocol/openid-connect/certs`),
    }
  },
}

/** @returns the folder of the distribution, built for PostgreSQL. @throws when Java or Maven is missing, or what came is another one. */
async function download(cache: string): Promise<string> {
  const home = join(cache, `keycloak-${version}`)
  if (existsSync(home)) return home
  const unpacked = join(cache, 'unpacked')
  rmSync(unpacked, { recursive: true, force: true })
  mkdirSync(unpacked, { recursive: true })
  const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`
  await run('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${cache}`])
  const archive = join(cache, `keycloak-quarkus-dist-${version}.zip`)
  const hash = createHash('sha256')
  await pipeline(createReadStream(archive), hash)
  const found = hash.digest('hex')
  if (found !== sha256) throw new Error(`${archive} has the SHA-256 ${found}, expected ${sha256}.`)
  // `jar` comes with every JDK, `unzip` does not with every system.
  await run('jar', ['--extract', '--file', archive], { cwd: unpacked })
  const folder = join(unpacked, `keycloak-${version}`)
  await run('chmod', ['+x', join(folder, 'bin/kc.sh')])
  await run(join(folder, 'bin/kc.sh'), ['build', '--db=postgres'])
  renameSync(folder, home)
  rmSync(archive)
  return home
}
