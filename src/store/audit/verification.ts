import { minute } from '../../lib/durations.ts'
import type { AuditKeys } from './audit-trail.ts'
import type { ChainRecord } from './chain-record.ts'
import type { ChainTable, SealedRecord } from './chain-table.ts'
import { Findings, formatAt, nameRow, type Verdict } from './finding.ts'
import { type AuditKey, genesisOf, hasSeal, hasStamp, isSigned, keyIdOf, sealRow } from './seal.ts'

/** What verification reads. */
export type AuditSource = Pick<ChainTable, 'read' | 'sealed' | 'unsealed' | 'copiedStamps'>

/** The key of that id; undefined when it is lost. */
export type FindKey = (id: number) => Promise<AuditKey | undefined>

/** Looks a key up where the keys of the trail are kept. */
export function findKeyIn(keys: Pick<AuditKeys, 'load'>): FindKey {
  return async (id) => {
    try {
      return await keys.load(id)
    } catch (error) {
      // Lost is a finding; a file that cannot be read is something to put right first.
      if (error instanceof Error && 'problem' in error && error.problem === 'missing') return undefined
      throw error
    }
  }
}

export type Sealed = SealedRecord & { readonly sequence: number; readonly seal: string }

const page = 1_000

/** For how long after a change of keys a process may still stamp with the old one, in milliseconds. */
const keyNotice = 5 * minute

/** Walks the whole trail and says what is wrong with it, if anything. Reads only, beside servers that write and prune. */
export async function verifyTrail(source: AuditSource, findKey: FindKey): Promise<Verdict> {
  for (;;) {
    const chain = await source.read()
    const verdict = await walkTrail(chain, source, findKey)
    // What was pruned meanwhile looks deleted.
    if (verdict.intact || !hasBeenPruned(chain, await source.read())) return verdict
  }
}

/** Whether the trail begins later than it did `before`. */
export function hasBeenPruned(before: ChainRecord, now: ChainRecord): boolean {
  return (now.checkpoint?.sequence ?? 0) > (before.checkpoint?.sequence ?? 0)
}

async function walkTrail(chain: ChainRecord, source: AuditSource, findKey: FindKey): Promise<Verdict> {
  const walk = new Walk(chain, findKey, await source.copiedStamps())
  await walk.begin()
  for (let after = walk.place; after < chain.sequence; ) {
    const rows = (await source.sealed(after, page)).filter(isSealed)
    for (const row of rows) if (row.sequence <= chain.sequence) await walk.take(row)
    const last = rows.at(-1)
    if (!last) break
    after = last.sequence
  }
  walk.endChain()
  const beyond = (await source.sealed(chain.sequence, page)).filter(isSealed)
  const { sequence } = await source.read()
  for (const row of beyond) if (row.sequence > sequence) walk.refuse(row)
  for (let after = 0; ; ) {
    const rows = await source.unsealed(after, page)
    for (const row of rows) await walk.takeUnsealed(row)
    const last = rows.at(-1)
    if (!last) break
    after = last.id
  }
  return walk.verdict()
}

class Walk {
  /** Where the chain has been followed to. */
  place = 0
  readonly #chain: ChainRecord
  readonly #findKey: FindKey
  readonly #copied: ReadonlySet<string>
  readonly #seen = new Set<string>()
  readonly #findings = new Findings()
  readonly #keys = new Map<number, AuditKey | undefined>()
  readonly #sealKeys: number[] = []
  /** What may have been sealed before the next row; empty when rows are missing. */
  #before: readonly string[] = []
  /** Whether something was wrong just before, so that a seal that does not fit tells nothing of its own row. */
  #isDoubtful = false
  #last: Sealed | undefined
  #keySince = Number.NEGATIVE_INFINITY
  #latestAt = Number.NEGATIVE_INFINITY
  #rows = 0
  #unsealed = 0
  #unsealedSince: number | undefined

  constructor(chain: ChainRecord, findKey: FindKey, copied: ReadonlySet<string>) {
    this.#chain = chain
    this.#findKey = findKey
    this.#copied = copied
  }

  async begin(): Promise<void> {
    const genesis = genesisOf(this.#chain.installation, this.#chain.adopted)
    const { checkpoint } = this.#chain
    this.#before = [checkpoint?.seal ?? genesis]
    if (!checkpoint) return
    this.place = checkpoint.sequence
    const key = await this.#key(checkpoint.mac)
    if (key && !isSigned(key, checkpoint, genesis)) {
      const message = `The checkpoint at place ${checkpoint.sequence} was not signed by Mintage: rows before it may be missing.`
      this.#findings.add({ problem: 'forged', sequence: checkpoint.sequence, message })
    }
  }

  async take(row: Sealed): Promise<void> {
    this.#rows++
    if (row.sequence > this.place + 1) this.#reportGap(row)
    await this.#judge(row)
    this.place = row.sequence
    this.#last = row
  }

  /** The rows end where the head says, or they were cut. */
  endChain(): void {
    const { sequence, seal } = this.#chain
    if (this.place < sequence) {
      const at = this.#last?.at
      this.#findings.add({
        problem: 'cut',
        sequence: this.place + 1,
        ...(at !== undefined && { at }),
        message: `The tail was cut: ${sequence - this.place} rows from place ${this.place + 1} to ${sequence} are gone${this.#since()}.`,
      })
    } else if (this.#last && !this.#isDoubtful && this.#last.seal !== seal) {
      const message = `The head of the chain was changed: it does not name the seal of row ${this.#last.id} at place ${sequence}.`
      this.#findings.add({ problem: 'forged', sequence, message })
    }
  }

  /** A row behind the head, where Mintage has sealed nothing. */
  refuse(row: Sealed): void {
    this.#rows++
    this.#report('inserted', row, 'stands behind the end of the chain: Mintage did not seal it there.')
  }

  async takeUnsealed(row: SealedRecord): Promise<void> {
    this.#rows++
    this.#unsealed++
    this.#unsealedSince = Math.min(this.#unsealedSince ?? row.at, row.at)
    const isStamped = await this.#isStamped(row)
    if (isStamped === false)
      this.#report('inserted', row, 'was not written by Mintage: its stamp is missing or wrong.')
    else this.#noticeCopy(row)
  }

  verdict(): Verdict {
    const { list, more } = this.#findings
    return {
      intact: list.length === 0,
      rows: this.#rows,
      unsealed: this.#unsealed,
      unsealedSince: this.#unsealedSince,
      head: { sequence: this.#chain.sequence, seal: this.#chain.seal },
      findings: list,
      moreFindings: more,
    }
  }

  async #judge(row: Sealed): Promise<void> {
    const key = await this.#key(row.seal)
    const fits = key && this.#before.some((before) => hasSeal(key, before, row))
    const isUnknown = this.#before.length === 0 || this.#isDoubtful || !key
    const isSealed = fits || (isUnknown && keyIdOf(row.seal) !== undefined ? undefined : false)
    this.#noteKey(row)
    const isStamped = await this.#isStamped(row)
    this.#isDoubtful = isSealed !== true
    if (isStamped === false && isSealed) {
      this.#report('inserted', row, 'was not written by Mintage: its stamp is missing or wrong.')
    } else if (isStamped === false || (isSealed === false && row.stamp === null)) {
      this.#report('changed', row, 'was changed: it is not what was sealed.')
    } else if (isSealed === false) {
      this.#report('moved', row, 'stands at another place than it was sealed at, or its seal was changed.')
    } else this.#noticeCopy(row)
    const expected = key ? this.#before.map((before) => sealRow(key, before, row.sequence, row)) : []
    this.#before = [...new Set([row.seal, ...expected])]
  }

  /** Undefined when the key is lost, so that nobody can say. */
  async #isStamped(row: SealedRecord): Promise<boolean | undefined> {
    this.#latestAt = Math.max(this.#latestAt, row.at)
    if (row.stamp === null) return row.id <= this.#chain.adopted
    const id = keyIdOf(row.stamp)
    if (id === undefined) return false
    const key = await this.#key(row.stamp)
    if (!key) return undefined
    const isLate = this.#sealKeys.slice(0, -1).includes(id) && this.#latestAt > this.#keySince + keyNotice
    return !isLate && hasStamp(key, row)
  }

  /** A key that another one has taken the place of seals nothing more. */
  #noteKey(row: Sealed): void {
    const id = keyIdOf(row.seal)
    if (id === undefined || id === this.#sealKeys.at(-1)) return
    if (this.#sealKeys.includes(id)) {
      this.#report('changed', row, `was sealed with key ${id} after another key had taken its place.`)
      return
    }
    this.#sealKeys.push(id)
    this.#keySince = row.at
  }

  #noticeCopy(row: SealedRecord): void {
    if (row.stamp === null || !this.#copied.has(row.stamp)) return
    if (this.#seen.has(row.stamp)) this.#report('copied', row, 'is a copy of another row.')
    this.#seen.add(row.stamp)
  }

  #reportGap(next: Sealed): void {
    const from = this.place + 1
    const to = next.sequence - 1
    const at = this.#last?.at
    const which =
      from === to ? `The row at place ${from} was` : `${to - from + 1} rows from place ${from} to ${to} were`
    this.#findings.add({
      problem: 'deleted',
      sequence: from,
      ...(at !== undefined && { at }),
      message: `${which} deleted${this.#since()}, before row ${next.id} (${formatAt(next.at)}).`,
    })
    this.#before = []
  }

  #since(): string {
    return this.#last ? `, behind row ${this.#last.id} (${formatAt(this.#last.at)})` : ', from the beginning'
  }

  #report(problem: 'changed' | 'inserted' | 'moved' | 'copied', row: SealedRecord, what: string): void {
    const { id, sequence, at } = row
    this.#findings.add({
      problem,
      id,
      ...(sequence !== null && { sequence }),
      at,
      message: `${nameRow(row)} ${what}`,
    })
  }

  /** The key that a stamp, seal or MAC names; a lost one is reported once. */
  async #key(text: string): Promise<AuditKey | undefined> {
    const id = keyIdOf(text)
    if (id === undefined) return undefined
    if (!this.#keys.has(id)) {
      const key = await this.#findKey(id)
      this.#keys.set(id, key)
      const message = `What was sealed with audit key ${id} cannot be verified: the key is missing. Restore audit-${id}.key.`
      if (!key) this.#findings.add({ problem: 'unverifiable', message })
    }
    return this.#keys.get(id)
  }
}

export function isSealed(row: SealedRecord): row is Sealed {
  return row.sequence !== null
}
