import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { executable, findFreePort, runMintage } from '../support/child-issuer.ts'
import { findSections, PageShell } from '../support/page-shell.ts'
import { DjangoProject, scriptPath } from './django-project.ts'

/**
 * Runs the guide: every block of shell that docs/from-simplejwt.md holds, in its order and in one shell, against a real project. In
 * between it looks whether what the page says came true. Fails with the output of the block that failed.
 */

const source = fileURLToPath(new URL('../../../', import.meta.url))
const password = 'correct horse battery staple'
const newPassword = 'seven quiet herons wade slowly'
const audience = 'https://api.example'

const guide = readFileSync(join(source, 'docs/from-simplejwt.md'), 'utf8')

/** In milliseconds; far longer than it takes. */
const patience = 600_000

const directory = mkdtempSync(join(tmpdir(), 'mintage-guide-'))
const python = process.env['DJANGO_PYTHON'] ?? ''
const port = String(await findFreePort())
const issuer = `http://127.0.0.1:${port}`
const settings = {
  SQLITE_PATH: join(directory, 'shop', 'db.sqlite3'),
  DATABASE: join(directory, 'shop', 'db.sqlite3'),
  SIMPLEJWT: '1',
  SECRET_KEY: 'django-insecure-k%3v!q0w8z&n1m5x7c9b2l4j6h8g0f2d4s6a8p1o3i5u7y',
}

cpSync(scriptPath(''), join(directory, 'shop'), { recursive: true })
mkdirSync(join(directory, 'bin'))
mkdirSync(join(directory, 'issuer'))
writeFileSync(
  join(directory, 'bin', 'mintage'),
  `#!/bin/sh\nexec '${process.execPath}' '${executable}' "$@"\n`,
)
chmodSync(join(directory, 'bin', 'mintage'), 0o755)
const shell = new PageShell(join(directory, 'issuer'), {
  ...settings,
  PATH: [join(directory, 'bin'), dirname(python), process.env['PATH']].join(delimiter),
  PROJECT: join(directory, 'shop'),
  DJANGO_SETTINGS_MODULE: 'settings',
  CHECKOUT: source,
  MINTAGE_ISSUER: issuer,
  MINTAGE_PORT: port,
  MINTAGE_ADMIN_PORT: 'off',
  TRY_NAME: 'bcrypt',
  TRY_PASSWORD: password,
})
const project = new DjangoProject({ sqlite: settings.SQLITE_PATH }, undefined, settings)
const timer = setTimeout(() => void shell.end(), patience)

/** Asks the project, without a server: what its views answer to requests. */
async function askProject(
  requests: readonly { readonly path: string; readonly body?: unknown; readonly token?: string }[],
  more: Readonly<Record<string, string>> = {},
): Promise<readonly Answer[]> {
  const printed = await project.run(
    `import json, os
from django.test import Client
for request in json.loads(os.environ['REQUESTS']):
    client = Client(SERVER_NAME='127.0.0.1')
    if 'body' in request:
        response = client.post(request['path'], json.dumps(request['body']), content_type='application/json')
    else:
        response = client.get(request['path'], headers={'Authorization': 'Bearer ' + request['token']})
    print(json.dumps({'status': response.status_code, 'body': response.json()}))
`,
    { REQUESTS: JSON.stringify(requests), ...more },
  )
  return printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, string>>
}

async function askMintage(path: string, body: unknown): Promise<Answer> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await fetch(`${issuer}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

const logIn = (username: string, secret: string) => ({
  path: '/api/token/',
  body: { username, password: secret },
})

try {
  await project.migrate()
  await project.run(readFileSync(scriptPath('make_users.py'), 'utf8'))
  const old = await askProject(['staff', 'argon2', 'scrypt'].map((name) => logIn(name, password)))
  const [staff = '', loggedOut = '', late = ''] = old.map(({ body }) => body['refresh'])
  assert.ok(staff && loggedOut && late, 'three users log in before the switch')

  /** What came true after a step, by what its heading begins with. */
  const checks: Readonly<Record<string, () => Promise<string>>> = {
    async '2.'() {
      const [answer] = await askProject([{ path: '/api/token/blacklist/', body: { refresh: loggedOut } }])
      assert.equal(answer?.status, 200)
      return 'somebody logs out at the project, after the users were taken'
    },
    async '7.'() {
      const { status, body } = await askMintage('/api/token/refresh/', { refresh: staff })
      assert.equal(status, 200, JSON.stringify(body))
      const refused = await askMintage('/api/token/refresh/', { refresh: loggedOut })
      assert.deepEqual([refused.status, refused.body['detail']], [401, 'Token is blacklisted'])
      const moved = { ISSUER: issuer, AUDIENCE: audience }
      const [me] = await askProject([{ path: '/api/me/', token: body['access'] ?? '' }], moved)
      assert.deepEqual(me, { status: 200, body: { username: 'staff' } })
      const next = await askMintage('/api/token/refresh/', { refresh: body['refresh'] })
      assert.equal(next.status, 200)
      return 'a session of before goes on, the service takes its tokens, and who logged out is logged out'
    },
    async '8.'() {
      // The server that runs has the key still; one that starts anew has none.
      assert.equal((await askMintage('/api/token/refresh/', { refresh: late })).status, 200)
      const { code, stderr } = await runMintage(
        ['user', 'set-password', 'staff'],
        {
          MINTAGE_DATABASE_URL: `sqlite:${join(directory, 'issuer', 'mintage.db')}`,
          MINTAGE_KEYS_DIR: join(directory, 'issuer', 'keys'),
        },
        newPassword,
      )
      assert.equal(code, 0, stderr)
      return 'somebody sets another password at Mintage'
    },
    async 'The way back'() {
      const requests = [
        logIn('staff', newPassword),
        logIn('staff', password),
        logIn('md5', password),
        logIn('bcrypt', password),
      ]
      const statuses = (await askProject(requests)).map(({ status }) => status)
      assert.deepEqual(statuses, [200, 401, 200, 200])
      return 'they log in to the project again, each with the password of now'
    },
  }
  const unmet = new Set(Object.keys(checks))
  let count = 0
  for (const { heading, blocks } of findSections(guide)) {
    for (const block of blocks) await shell.run(block)
    count += blocks.length
    console.log(`${heading}: ${blocks.length} ${blocks.length === 1 ? 'block' : 'blocks'} ran`)
    const name = [...unmet].find((beginning) => heading.startsWith(beginning))
    if (name === undefined) continue
    console.log(`  ${await checks[name]?.()}`)
    unmet.delete(name)
  }
  assert.deepEqual([...unmet], [], 'every check belongs to a step')
  console.log(`docs/from-simplejwt.md: ${count} blocks ran from start to end, and the way back`)
} finally {
  clearTimeout(timer)
  await shell.end()
  rmSync(directory, { recursive: true, force: true })
}
