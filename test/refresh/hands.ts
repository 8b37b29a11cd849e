import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { macKeyInUse } from '../../src/keys/schedule.ts'
import type { Confidential, SharedInstallation } from '../support/shared-installation.ts'
import {
  type Answer,
  LostAnswerError,
  readToken,
  refreshTokenOf,
  TokenClient,
} from '../support/token-client.ts'
import type { Nodes } from './nodes.ts'
import type { Observation, Operation } from './rules.ts'

/** What the model does to the nodes, and what it sees of it. */
export class Hands {
  readonly #installation: SharedInstallation
  readonly #nodes: Nodes
  readonly #clients: ReadonlyMap<string, TokenClient>

  constructor(installation: SharedInstallation, nodes: Nodes) {
    this.#installation = installation
    this.#nodes = nodes
    const all: readonly Confidential[] = [installation.service, installation.strict, installation.stranger]
    this.#clients = new Map(all.map((client) => [client.id, new TokenClient(client, 8)]))
  }

  client(id: string): TokenClient {
    const client = this.#clients.get(id)
    assert.ok(client, `No client ${id}`)
    return client
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  /**
   * Waits until every node uses the MAC key that it should by now, before much time goes by in no time: a process
   * learns of a new key within a second of real time, long before the first one uses it.
   */
  async settle(): Promise<void> {
    const { store, service, username } = this.#installation
    for (const node of [0, 1]) {
      for (;;) {
        const expected = macKeyInUse(await store.keys.read(), this.#nodes.now())?.id
        const token = refreshTokenOf(await this.client(service.id).login(this.#nodes.url(node), username))
        if (readToken(token).macKey === expected) break
        await delay(20)
      }
    }
  }

  /** `token` is the one that the operation is about, `owner` the client that it was issued to. */
  async perform(operation: Operation, token: string, owner: string): Promise<Observation> {
    const { administration } = this.#installation
    switch (operation.kind) {
      case 'present':
        return this.#present(operation, token)
      case 'revoke': {
        const answer = await orLost(
          this.client(owner).post(`${this.#nodes.url(operation.node)}/oauth2/revoke`, { token }),
        )
        if (!answer) return { kind: 'lost' }
        return answer.status === 200 ? { kind: 'done' } : toRefused(answer)
      }
      case 'disable-user':
        await administration.users.disable(this.#installation.username)
        break
      case 'disable-client':
        await administration.clients.disable(operation.client)
        break
      case 'rotate-mac':
        await administration.keys.rotateMac()
        break
      case 'kill':
        await delay(operation.after)
        await this.#nodes.kill(operation.node)
    }
    return { kind: 'done' }
  }

  async #present(operation: Extract<Operation, { kind: 'present' }>, token: string): Promise<Observation> {
    const { node, key, scope, client } = operation
    const options = { key: key ?? undefined, scope: scope ?? undefined }
    const answer = await orLost(this.client(client).refresh(this.#nodes.url(node), token, options))
    if (!answer) return { kind: 'lost' }
    if (answer.status !== 200) return toRefused(answer)
    const successor = refreshTokenOf(answer)
    return {
      kind: 'refreshed',
      generation: readToken(successor).generation,
      scope: String(answer.body['scope']),
      token: successor,
    }
  }

  /** Brings back what the step took away: nodes run, and user and clients are enabled, when the next one begins. */
  async repair(operations: readonly Operation[]): Promise<void> {
    const { administration, username } = this.#installation
    for (const operation of operations) {
      if (operation.kind === 'kill') await this.#nodes.start(operation.node)
      if (operation.kind === 'disable-user') await administration.users.enable(username)
      if (operation.kind === 'disable-client') {
        await administration.clients.enable(operation.client)
        for (const node of [0, 1]) await this.#waitUntilAccepted(operation.client, node)
      }
    }
  }

  async #waitUntilAccepted(client: string, node: number): Promise<void> {
    const url = `${this.#nodes.url(node)}/oauth2/token`
    for (;;) {
      const answer = await orLost(this.client(client).post(url, { grant_type: 'client_credentials' }))
      if (answer?.status === 200) return
      await delay(20)
    }
  }
}

async function orLost(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof LostAnswerError) return undefined
    throw error
  }
}

function toRefused({ status, body }: Answer): Observation {
  return { kind: 'refused', error: String(body['error'] ?? status) }
}
