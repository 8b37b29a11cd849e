import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { installMintage, ownExecutable } from '../installation.ts'
import { Connection, renderHead } from '../load/connection.ts'
import { readCpuTime, readResident } from '../process-usage.ts'
import { renderTable } from '../results.ts'
import { ServerProcess } from '../server-process.ts'
import { percentile } from '../statistics.ts'

/** One subscriber, which only looks for the marks that it is told of. */
class Listener {
  readonly #socket: Socket
  #received = ''
  #mark = ''
  #found: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received = this.#received.slice(-200) + text
      if (this.#mark !== '' && this.#received.includes(this.#mark)) {
        this.#mark = ''
        this.#found()
      }
    })
  }

  static open(port: number): Promise<Listener> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('connect', () => {
        const listener = new Listener(socket)
        listener.hear('event: snapshot').then(() => resolve(listener))
        socket.write('GET /status-lists/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
      })
    })
  }

  hear(mark: string): Promise<void> {
    this.#mark = mark
    return new Promise((resolve) => {
      this.#found = resolve
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Revokes single tokens while many are subscribed, and measures until the last of them has heard of it. */
export async function measureSubscribers(counts: readonly number[], revocations: number): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-bench-'))
  const rows: string[][] = []
  try {
    const { recipe } = await installMintage('mintage', ownExecutable, directory, 1)
    for (const count of counts) {
      const server = await ServerProcess.start(recipe)
      const listeners: Listener[] = []
      try {
        await delay(3_000)
        const before = readResident(server.pid)
        for (let opened = 0; opened < count; opened += 50) {
          const batch = Array.from({ length: Math.min(50, count - opened) }, () => Listener.open(recipe.port))
          listeners.push(...(await Promise.all(batch)))
        }
        await delay(5_000)
        const resident = readResident(server.pid)
        const quiet = readCpuTime(server.pid).total
        await delay(10_000)
        const idle = (readCpuTime(server.pid).total - quiet) / 10
        const { times, cpu } = await revoke(server, recipe.authorization, listeners, revocations)
        rows.push([
          String(count),
          count === 0 ? '–' : ((resident - before) / count / 1_024).toFixed(1),
          idle.toFixed(1),
          percentile(times, 0.5).toFixed(1),
          percentile(times, 0.99).toFixed(1),
          Math.max(...times).toFixed(1),
          cpu.toFixed(1),
        ])
      } finally {
        for (const listener of listeners) listener.close()
        await server.stop()
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  return renderTable(
    [
      'subscribers',
      'KiB of server memory each',
      'idle: ms of CPU a second',
      'all told after the answer: p50 ms',
      'p99 ms',
      'most ms',
      'ms of CPU a token and its revocation',
    ],
    rows,
  )
}

async function revoke(
  server: ServerProcess,
  authorization: string,
  listeners: readonly Listener[],
  revocations: number,
): Promise<{ readonly times: readonly number[]; readonly cpu: number }> {
  const { port } = server.recipe
  const connection = await Connection.open(port)
  const head = renderHead(port, authorization)
  const times: number[] = []
  const before = readCpuTime(server.pid).total
  for (let n = 0; n < revocations; n++) {
    const { body } = await connection.post(head, 'grant_type=client_credentials')
    const token = String(JSON.parse(body).access_token)
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const told = Promise.all(listeners.map((each) => each.hear(`"idx":[${claims.status.status_list.idx}]`)))
    const answer = await connection.post(head.replace('/oauth2/token', '/oauth2/revoke'), `token=${token}`)
    if (answer.status !== 200) throw new Error(`A revocation was answered with ${answer.status}.`)
    const answered = performance.now()
    await told
    times.push(performance.now() - answered)
    await delay(20)
  }
  const cpu = (readCpuTime(server.pid).total - before) / revocations
  connection.close()
  return { times, cpu }
}
