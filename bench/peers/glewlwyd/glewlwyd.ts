import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { findFreePort, ServerProcess, type ServerRecipe } from '../../server-process.ts'
import { renderBasic, renderGrants, renderTokenRequest } from '../../subjects/oauth.ts'
import type { Subject } from '../../subjects/subject.ts'
import { verifyByKeySet } from '../../subjects/verification.ts'
import { clientSecret, password } from '../credentials.ts'
import { ask, beginSessions, readRefreshToken } from '../sessions.ts'
import { administer } from './administration.ts'
import { renderConfiguration } from './configuration.ts'

const run = promisify(execFile)
/** Debian 12's; apt compares what it fetches with the hashes in the signed index. */
const version = '2.7.5-3+deb12u1'

/**
 * Glewlwyd on SQLite, configured as Debian's package does it, with its OpenID Connect plugin: refresh tokens for one use only, and
 * the grants of OAuth that OpenID Connect does not know.
 */
export const glewlwyd: Subject = {
  name: 'glewlwyd',
  signature: 'RS256',
  durable:
    'every refresh and every access token (SQLite with its defaults: a rollback journal, full synchronisation)',
  async install({ directory, cache, sessions }) {
    const root = await unpack(cache)
    const port = await findFreePort()
    const origin = `http://127.0.0.1:${port}`
    const path = join(directory, 'glewlwyd.db')
    createTables(path, join(root, 'usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz'))
    const configuration = join(directory, 'glewlwyd.conf')
    writeFileSync(configuration, renderConfiguration(root, port, path))
    const recipe: Omit<ServerRecipe, 'readiness'> = {
      name: 'glewlwyd',
      command: join(root, 'usr/bin/glewlwyd'),
      args: [`--config-file=${configuration}`],
      environment: { LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') },
      port,
    }
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2_048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    const settings = { method: 'GET', path: '/config', headers: {}, body: '' } as const
    const server = await ServerProcess.start({ ...recipe, readiness: settings })
    try {
      await administer(origin, { privateKey, publicKey })
    } finally {
      await server.stop()
    }
    const authorization = renderBasic('service', clientSecret)
    const endpoint = '/api/oidc/token'
    const requests = renderGrants(endpoint, authorization, { scope: 'orders' })
    const form = { grant_type: 'password', username: 'ada', password, scope: 'orders' }
    const login = renderTokenRequest(endpoint, authorization, form)
    return {
      recipe: { ...recipe, readiness: requests.client_credentials },
      requests,
      startSessions: () => beginSessions(sessions, async () => readRefreshToken(await ask(origin, login))),
      verify: verifyByKeySet(`${origin}/api/oidc/jwks`),
    }
  },
}

function createTables(path: string, script: string): void {
  const database = new Database(path)
  try {
    database.exec(gunzipSync(readFileSync(script)).toString())
  } finally {
    database.close()
  }
}

/**
 * Unpacks the package, and those that it depends on and that are not installed, into the cache; nothing is installed.
 * @throws when apt knows no such version.
 */
async function unpack(cache: string): Promise<string> {
  const root = join(cache, version)
  if (existsSync(root)) return root
  const archives = join(cache, 'archives')
  const unpacked = join(cache, 'unpacked')
  rmSync(unpacked, { recursive: true, force: true })
  mkdirSync(join(archives, 'partial'), { recursive: true })
  const fetch = ['install', '--download-only', '--no-install-recommends', '-y', '-o', 'Debug::NoLocking=1']
  const place = ['-o', `Dir::Cache::archives=${archives}`]
  await run('apt-get', [...fetch, ...place, `glewlwyd=${version}`, 'dbconfig-no-thanks'])
  for (const name of readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
    await run('dpkg-deb', ['--extract', join(archives, name), unpacked])
  }
  rmSync(archives, { recursive: true })
  renameSync(unpacked, root)
  return root
}
