/**
 * A process with several verifiers. Told a token, it presents it to each of them until all refuse, and answers with the
 * moments (milliseconds since the epoch) at which each did.
 */
import { createVerifier, type Verifier } from '@mintage/verifier'

interface Setup {
  readonly issuer: string
  readonly audience: string
  readonly verifiers: number
  readonly revocation: 'push' | 'poll'
}

let verifiers: readonly Verifier[] = []

function since(): number {
  return performance.timeOrigin + performance.now()
}

/** When this verifier refuses it. Looks as often as it can without keeping the events from being read. */
async function refusedAt(verifier: Verifier, token: string, pause: number): Promise<number> {
  for (;;) {
    try {
      await verifier.verify(token)
    } catch {
      return since()
    }
    await new Promise((resolve) => (pause === 0 ? setImmediate(resolve) : setTimeout(resolve, pause)))
  }
}

async function acceptance(verifier: Verifier, token: string): Promise<void> {
  for (;;) {
    try {
      await verifier.verify(token)
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

process.on('message', async (message: Setup | { readonly token: string; readonly pause: number }) => {
  if ('token' in message) {
    const { token, pause } = message
    // It is good, and everybody has seen it; its key may be a new one.
    for (const verifier of verifiers) await acceptance(verifier, token)
    process.send?.('watching')
    process.send?.(await Promise.all(verifiers.map((verifier) => refusedAt(verifier, token, pause))))
    return
  }
  for (const verifier of verifiers) verifier.close()
  const { issuer, audience, revocation } = message
  verifiers = Array.from({ length: message.verifiers }, () =>
    createVerifier({ issuer, audience, revocation }),
  )
  await Promise.all(verifiers.map((verifier) => verifier.ready()))
  process.send?.('ready')
})
