import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Corner, LabUser } from './corner.ts'
import { decode, encode } from './jwt.ts'

export type Stack = 'simplejwt' | 'sliding' | 'drf-jwt' | 'legacy'

const project = fileURLToPath(new URL('../../../test/django/corner/', import.meta.url))

/** Starts a Django project with one of the packages, with the users. */
export async function startDjango(python: string, stack: Stack, users: readonly LabUser[]): Promise<Corner> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-django-'))
  const secret = randomBytes(32).toString('hex')
  const child = spawn(python, ['serve.py'], {
    cwd: project,
    env: {
      ...process.env,
      CORNER: stack,
      CORNER_DIRECTORY: directory,
      CORNER_SECRET_KEY: secret,
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  // Whoever reads no more has said why.
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const say = async (message: unknown): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(message)}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error(`The ${stack} project ended: ${complaints}`)
    return JSON.parse(value)
  }
  const { url, versions } = (await say(users)) as Pick<Corner, 'url' | 'versions'>
  const sign: Corner['sign'] = (token, alter) => {
    const decoded = decode(token)
    if (!decoded) throw new Error('Not a JWT.')
    return encode({ header: decoded.header, claims: alter(decoded.claims) }, secret)
  }
  return {
    url,
    versions,
    sign,
    async change(change) {
      await say(change)
    },
    expire: async (token) =>
      sign(token, (claims) => ({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 })),
    async stop() {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
