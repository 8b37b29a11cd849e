/** The load: a process of its own that sends one request over and over and checks every answer. */
import { answerParent } from '../answering.ts'
import { renderGet, renderHead, renderPost } from '../load/connection.ts'
import { type Client, openConnections, runStretch, type Stretch } from '../load/stretch.ts'
import type { DocumentPhase } from './phase.ts'

async function runPhase(phase: DocumentPhase): Promise<Stretch> {
  const { port, request, body, connections, milliseconds } = phase
  const head = renderHead(port, phase.authorization).replace('/oauth2/token', '/oauth2/introspect')
  const text = request.method === 'GET' ? renderGet(request.key) : renderPost(head, request.key)
  const client: Client = {
    next: () => text,
    take(answer) {
      if (answer.status !== 200 || answer.body !== body) {
        throw new Error(`${request.name}: got ${answer.status} ${answer.body}`)
      }
    },
  }
  return runStretch(await openConnections(port, connections), milliseconds, () => client)
}

answerParent(runPhase)
