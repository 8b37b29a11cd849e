import type { Socket } from 'node:net'
import { second } from '../lib/durations.ts'

/** How often the connections are looked at, in milliseconds. */
const look = second

/** Within which time a reader must have taken {@link leastTaken} bytes, or all there was, in milliseconds. */
const patience = 10 * second
const leastTaken = 65_536

interface Reading {
  readonly since: number
  /** Bytes that the system had taken over by then. */
  readonly taken: number
}

/**
 * Cuts connections whose client does not read its answers, which would be kept in memory for as long as it likes. A
 * stream is told by having no time limit; it has its own rules for those that fall behind.
 * @returns stops it.
 */
export function cutSlowReaders(connections: ReadonlySet<Socket>): () => void {
  let readings = new Map<Socket, Reading>()
  const timer = setInterval(() => {
    const now = performance.now()
    const still = new Map<Socket, Reading>()
    for (const socket of connections) {
      if (socket.writableLength === 0 || socket.timeout === 0) continue
      const taken = socket.bytesWritten - socket.writableLength
      const before = readings.get(socket)
      if (!before || taken - before.taken >= leastTaken) still.set(socket, { since: now, taken })
      else if (now - before.since < patience) still.set(socket, before)
      else socket.destroy()
    }
    readings = still
  }, look).unref()
  return () => clearInterval(timer)
}
