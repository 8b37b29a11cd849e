/** One stretch of passwords, checked by so many clients, one at a time each. */
export interface HashingPhase {
  readonly cost: number
  readonly threads: number
  readonly clients: number
  readonly milliseconds: number
}

export interface HashingResult {
  /** How many were checked, those included that were under way when the time was over. */
  readonly checked: number
  /** From the first answer to the last, so that neither end of the phase counts. */
  readonly perSecond: number
}

/** Lets clients check one password after the other for a while, and waits for those under way. */
export async function runClients(
  clients: number,
  milliseconds: number,
  check: (client: number) => Promise<void>,
): Promise<HashingResult> {
  const deadline = performance.now() + milliseconds
  const answered: number[] = []
  const drive = async (client: number) => {
    while (performance.now() < deadline) {
      await check(client)
      answered.push(performance.now())
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => drive(client)))
  const [first, last] = [answered[0] ?? 0, answered.at(-1) ?? 0]
  return { checked: answered.length, perSecond: ((answered.length - 1) / (last - first)) * 1_000 }
}
