import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { cleanEnvironment } from './child-issuer.ts'

const example = fileURLToPath(new URL('../../../examples/node-jwks-rsa/server.js', import.meta.url))

/** The example service, in a process of its own. */
export interface ChildService {
  /** Sends the token and tells the status of the answer. */
  present(token: string): Promise<number>
  request(headers: Readonly<Record<string, string>>): Promise<Response>
}

/** Starts `examples/node-jwks-rsa` and ends it after the test. */
export async function startExample(
  t: ExecutionContext,
  settings: Readonly<Record<string, string>>,
): Promise<ChildService> {
  const child = spawn(process.execPath, [example], {
    env: cleanEnvironment({ PORT: '0', ...settings }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'close')
  t.teardown(() => {
    child.kill()
    return exited
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  let stdout = ''
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      if (stdout.includes('\n')) resolve(stdout)
    })
    exited.then(() => reject(new Error(`The example ended: ${stderr}`)))
  })
  const { listening }: { readonly listening: string } = JSON.parse(await ready)
  const request = (headers: Readonly<Record<string, string>>) => fetch(listening, { headers })
  return {
    request,
    async present(token) {
      const response = await request({ Authorization: `Bearer ${token}` })
      await response.arrayBuffer()
      return response.status
    },
  }
}
