import { percentile } from '../statistics.ts'
import { type Answer, Connection } from './connection.ts'

/** What was seen of one stretch of load. Times are milliseconds. */
export interface Stretch {
  readonly requests: number
  /** From the first request to the last answer. */
  readonly milliseconds: number
  readonly p50: number
  readonly p99: number
  readonly most: number
}

/** What one connection asks for, over and over; neither of the two counts as time of the server. */
export interface Client {
  /** The whole next request, ASCII. */
  next(): string
  /** @throws when the answer is wrong: the stretch fails with it. */
  take(answer: Answer): void
}

/** One after the other, as the connections of a proxy come to be: several processes behind a port get as many each. */
export async function openConnections(port: number, count: number): Promise<readonly Connection[]> {
  const connections: Connection[] = []
  while (connections.length < count) connections.push(await Connection.open(port))
  return connections
}

/** What goes before a stretch, over the same connections, and does not count. */
export interface LeadIn {
  readonly milliseconds: number
  /** Called when it is over. */
  onEnd(): void
}

/**
 * Lets the client of each connection ask for so many milliseconds, one request at a time, waits for what is under way,
 * and closes the connections.
 */
export async function runStretch(
  connections: readonly Connection[],
  milliseconds: number,
  clientOf: (index: number) => Client,
  leadIn?: LeadIn,
): Promise<Stretch> {
  const latencies: number[] = []
  const clients = connections.map((connection, index) => ({ connection, client: clientOf(index) }))
  const began = performance.now() + (leadIn?.milliseconds ?? 0)
  const times = { began, deadline: began + milliseconds }
  const ending = leadIn && setTimeout(() => leadIn.onEnd(), leadIn.milliseconds)
  try {
    await Promise.all(clients.map(({ connection, client }) => drive(connection, client, times, latencies)))
  } finally {
    clearTimeout(ending)
    for (const connection of connections) connection.close()
  }
  return {
    requests: latencies.length,
    milliseconds: performance.now() - began,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    most: percentile(latencies, 1),
  }
}

async function drive(
  connection: Connection,
  client: Client,
  { began, deadline }: { readonly began: number; readonly deadline: number },
  latencies: number[],
): Promise<void> {
  while (performance.now() < deadline) {
    const request = client.next()
    const sent = performance.now()
    const answer = await connection.send(request)
    if (sent >= began) latencies.push(performance.now() - sent)
    client.take(answer)
  }
}
