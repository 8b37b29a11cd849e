import { connect } from 'node:net'
import { second } from '../../lib/durations.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import { wellKnown } from './issuer.ts'

export interface Listeners {
  readonly issuer: string | undefined
  readonly host: string
  readonly port: number
  readonly adminHost: string
  /** Undefined when there is no admin listener. */
  readonly adminPort: number | undefined
}

/** How long this machine takes to answer itself, in milliseconds. */
const patience = 2 * second

/** Looks who listens on the configured ports of this machine. It opens connections and binds nothing. */
export async function examinePorts(listeners: Listeners): Promise<readonly Finding[]> {
  const { issuer, host, port, adminHost, adminPort } = listeners
  // A free port is chosen when the server starts, and nobody else can have it.
  if (port === 0) return []
  const address = `${host}:${port}`
  if (await isTaken(host, port)) {
    if (issuer === undefined)
      return [
        warning('port', `Something listens on ${address}; without MINTAGE_ISSUER nobody can tell what.`),
      ]
    return [
      (await isIssuer(host, port, issuer))
        ? ok('port', `Mintage listens on ${address}.`)
        : failure('port', `Something else listens on ${address}: stop it, or choose another MINTAGE_PORT.`),
    ]
  }
  const free = warning('port', `Nothing listens on ${address}: mintage serve does not run on this machine.`)
  if (adminPort === undefined || adminPort === 0 || !(await isTaken(adminHost, adminPort))) return [free]
  return [
    free,
    failure(
      'port',
      `Something else listens on ${adminHost}:${adminPort}: stop it, or choose another MINTAGE_ADMIN_PORT.`,
    ),
  ]
}

/** Where to ask for what listens on every address. */
function reach(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function isTaken(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reach(host), port, timeout: patience })
    const end = (taken: boolean) => {
      socket.destroy()
      resolve(taken)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

async function isIssuer(host: string, port: number, issuer: string): Promise<boolean> {
  const local = reach(host)
  const origin = `http://${local.includes(':') ? `[${local}]` : local}:${port}`
  const path = new URL(wellKnown(issuer)).pathname
  try {
    const response = await fetch(`${origin}${path}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
    })
    const metadata: unknown = await response.json()
    return (
      typeof metadata === 'object' && metadata !== null && 'issuer' in metadata && metadata.issuer === issuer
    )
  } catch {
    return false
  }
}
