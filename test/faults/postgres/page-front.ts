import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findBlocks } from '../../markdown.ts'
import { findFreePort } from '../../support/child-issuer.ts'
import { CannotRunError } from '../fault.ts'
import type { Front } from './site.ts'

const page = fileURLToPath(new URL('../../../../docs/several-nodes.md', import.meta.url))

/** The proxies that the page on several nodes has a block for. */
export type PageProxy = 'haproxy' | 'nginx'

const binaries: Readonly<Record<PageProxy, string>> = {
  haproxy: '/usr/sbin/haproxy',
  nginx: '/usr/sbin/nginx',
}

/** Starts a proxy with the block of the page, in which only the addresses are those of this run. */
export async function startPageProxy(name: PageProxy, nodes: readonly string[]): Promise<Front> {
  if (!existsSync(binaries[name]))
    throw new CannotRunError(`${name} is not installed (Debian: apt-get install ${name})`)
  const [block] = findBlocks(readFileSync(page, 'utf8'), name)
  if (block === undefined) throw new Error(`The page has no block of ${name}.`)
  const port = await findFreePort()
  const [a = '', b = ''] = nodes.map((url) => new URL(url).host)
  const own = block
    .replace('10.0.0.11:8080', a)
    .replace('10.0.0.12:8080', b)
    .replace('bind :8080', `bind 127.0.0.1:${port}`)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
  const directory = mkdtempSync(join(tmpdir(), 'mintage-proxy-'))
  const file = join(directory, `${name}.conf`)
  writeFileSync(file, name === 'haproxy' ? `${own}\n` : inNginx(own, directory))
  const args = name === 'haproxy' ? ['-db', '-f', file] : ['-c', file, '-e', 'stderr']
  const child = spawn(binaries[name], args, { stdio: ['ignore', 'ignore', 'inherit'] })
  return {
    url: `http://127.0.0.1:${port}`,
    answered: new Map(),
    async close() {
      const ended = once(child, 'exit')
      if (child.exitCode === null) {
        child.kill('SIGTERM')
        // HAProxy lets event streams end by themselves.
        const forced = setTimeout(() => child.kill('SIGKILL'), 2_000)
        await ended
        clearTimeout(forced)
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** What stands around a server of nginx in the files that Debian installs. */
function inNginx(server: string, directory: string): string {
  return [
    `daemon off; pid ${join(directory, 'pid')}; error_log stderr crit; user root;`,
    'events {}',
    `http { access_log off; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;`,
    server,
    '}',
    '',
  ].join('\n')
}
