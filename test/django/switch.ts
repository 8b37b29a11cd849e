/**
 * `npm run django:switch`: the service of `examples/django-service` and its client, first with SimpleJWT's own views, then
 * with Mintage by other settings alone. Prints the difference of the settings and both runs, which must say the same.
 */
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeChildInstallation } from '../support/child-installation.ts'
import { cleanEnvironment, findFreePort } from '../support/child-issuer.ts'
import { eventually } from '../support/eventually.ts'
import { newest, prepare } from './python.ts'

type Variables = Readonly<Record<string, string>>

const example = fileURLToPath(new URL('../../../examples/django-service/', import.meta.url))
const audience = 'https://notes.example'
const user = { username: 'ada', email: 'ada@example.com', password: 'correct horse battery staple' } as const
/** How long an access token lives, so that the client meets one that is over. */
const seconds = '3'

const python = prepare(newest)
const directory = mkdtempSync(join(tmpdir(), 'mintage-switch-'))
const secretKey = randomBytes(32).toString('hex')
const print = (text: string) => process.stdout.write(`${text}\n`)

function serviceEnvironment(database: string, more: Variables = {}): NodeJS.ProcessEnv {
  return cleanEnvironment({
    SECRET_KEY: secretKey,
    DATABASE: join(directory, database),
    DJANGO_SETTINGS_MODULE: 'service.settings',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONWARNINGS: 'ignore',
    ...more,
  })
}

function manage(database: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(python, ['manage.py', ...args], {
    cwd: example,
    env: serviceEnvironment(database),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`manage.py ${args[0]}: ${stderr}`)
  return stdout
}

/** Serves the example on a copy of the database while the client goes through its day; answers with what it said. */
async function run(name: string, settings: Variables, tokenUrl?: string): Promise<string> {
  const database = `${name}.db`
  copyFileSync(join(directory, 'prepared.db'), join(directory, database))
  const port = await findFreePort()
  const apiUrl = `http://127.0.0.1:${port}`
  const server = spawn(python, ['manage.py', 'runserver', '--noreload', `127.0.0.1:${port}`], {
    cwd: example,
    env: serviceEnvironment(database, settings),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  const closed = once(server, 'close')
  try {
    const ask = () =>
      fetch(`${apiUrl}/api/me/`).then(
        ({ status }) => status,
        () => 0,
      )
    if ((await eventually(ask, (status) => status === 401)) !== 401) throw new Error(`No service: ${log}`)
    const client = spawn(process.execPath, ['main.js'], {
      cwd: example,
      env: cleanEnvironment({
        API_URL: apiUrl,
        NOTES_USER: user.username,
        ...(tokenUrl !== undefined && { TOKEN_URL: tokenUrl }),
      }),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    client.stdin.end(user.password)
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      client[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
      })
    }
    const [code] = await once(client, 'close')
    if (code !== 0) throw new Error(`The client ended with ${code}: ${said.stdout}${said.stderr}\n${log}`)
    return said.stdout
  } finally {
    server.kill('SIGKILL')
    await closed
  }
}

const installation = await makeChildInstallation({
  environment: { MINTAGE_ACCESS_TOKEN_TTL: `${seconds}s`, MINTAGE_SIMPLEJWT_CLIENT: 'notes' },
})
try {
  manage('prepared.db', 'migrate', '--verbosity=0')
  const made = `from django.contrib.auth.models import User
print(User.objects.create_user("${user.username}", "${user.email}", "${user.password}").id)`
  const id = Number(manage('prepared.db', 'shell', '--verbosity=0', '-c', made))

  const before = await run('simplejwt', { ACCESS_TOKEN_SECONDS: seconds })

  await installation.prepare(async ({ apis, clients, users }) => {
    const { username, email, password } = user
    await apis.create(audience, { claimsPreset: 'simplejwt' })
    await clients.create('notes', true, { grants: ['password', 'refresh_token'], audiences: [audience] })
    await users.create(username, { email, password, claims: { user_id: id } })
  })
  const issuer = await installation.serve()
  const after = await run(
    'mintage',
    { DJANGO_SETTINGS_MODULE: 'service.settings_mintage', ISSUER: installation.issuer },
    issuer.url,
  )

  const { stdout: difference } = spawnSync(
    'diff',
    ['-U0', '--label', 'before', '--label', 'after', 'service/settings.py', 'service/settings_mintage.py'],
    { cwd: example, encoding: 'utf8' },
  )
  print(`The settings of the service:\n\n${difference}`)
  print('The settings of the client:\n\n+TOKEN_URL=<the issuer>\n')
  print(`With SimpleJWT's own views:\n\n${before}`)
  print(`With Mintage:\n\n${after}`)
  if (before === after) print('Both runs say the same.')
  else {
    process.stderr.write('The runs differ.\n')
    process.exitCode = 1
  }
} finally {
  await installation.remove()
  rmSync(directory, { recursive: true, force: true })
}
