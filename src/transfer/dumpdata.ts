import { Readable } from 'node:stream'
import * as z from 'zod'
import { AdminError } from '../admin/admin-error.ts'
import type { UserRow } from '../admin/user-row.ts'
import { toTime, toUserRow } from './django-record.ts'
import { DumpedRelations } from './dumped-relations.ts'
import { findUntaken, type MappingFile, resolveMapping, suggestMapping, type UserMapping } from './mapping.ts'

const objectSchema = z.object({
  model: z.string(),
  pk: z.union([z.string(), z.number()]).nullish(),
  fields: z.record(z.string(), z.unknown()),
})

/** One object of a fixture. */
export type DumpedObject = z.infer<typeof objectSchema>

/** An object of a dump, as its place has it, or why there is none. */
type DumpedValue = { readonly place: string } & ({ readonly value: unknown } | { readonly problem: string })

/**
 * The users of what `manage.py dumpdata` prints, whatever else is in it. Groups and permissions are known from where
 * they stand before the users, as Django writes them.
 */
export class DjangoDump {
  readonly #mappingFile: MappingFile
  readonly #relations = new DumpedRelations()
  #model: string | undefined
  #key = 'id'
  #columns: readonly string[] = []
  #mapping: UserMapping | undefined

  constructor(mappingFile: MappingFile) {
    this.#mappingFile = mappingFile
  }

  /** @throws {AdminError} when it holds no users, or several models of them, or the mapping does not fit them. */
  async *read(objects: AsyncIterable<DumpedValue>): AsyncGenerator<UserRow> {
    for await (const object of objects) {
      const { place } = object
      if ('problem' in object) {
        yield object
        continue
      }
      const parsed = objectSchema.safeParse(object.value)
      if (!parsed.success)
        yield { place, problem: 'It is no object of a dump: expected model, pk and fields.' }
      else if (this.#isUser(parsed.data)) yield this.#toRow(place, parsed.data)
      else this.#relations.learn(parsed.data)
    }
    if (this.#model === undefined) {
      throw new AdminError(
        'The dump holds no users: no object of it has a password and a last_login. Make it with manage.py dumpdata auth, ' +
          'or with the app of your user model and auth.',
      )
    }
  }

  /** The mapping for its users, which are read to the end. @throws {AdminError} as {@link read}. */
  async suggest(objects: AsyncIterable<DumpedValue>): Promise<string> {
    for await (const _ of this.read(objects)) {
      // A second model may stand anywhere.
    }
    return suggestMapping(this.#model ?? '', this.#columns, this.#key)
  }

  untaken(): readonly string[] {
    return this.#mapping ? findUntaken(this.#mapping, this.#columns) : []
  }

  #isUser({ model, fields }: DumpedObject): boolean {
    const { table } = this.#mappingFile
    const isIt =
      table === undefined
        ? 'password' in fields && 'last_login' in fields
        : model.replace('.', '_') === table.replace('.', '_')
    if (this.#model !== undefined) {
      if (table === undefined && isIt && model !== this.#model) {
        throw new AdminError(
          `The dump has several models of users, ${this.#model} and ${model}: say which as table in a mapping.`,
        )
      }
      return model === this.#model
    }
    if (!isIt) return false
    this.#model = model
    this.#key = 'id' in fields ? 'pk' : 'id'
    this.#columns = [
      this.#key,
      ...Object.keys(fields).filter((name) => name !== 'groups' && name !== 'user_permissions'),
    ]
    this.#mapping = resolveMapping(this.#mappingFile, this.#columns, this.#key)
    return true
  }

  #toRow(place: string, { pk, fields }: DumpedObject): UserRow {
    const mapping = this.#mapping
    if (!mapping) return { place, problem: 'It stands before the first user.' }
    const named = typeof pk === 'string' || typeof pk === 'number' ? `pk ${pk}` : place
    if (typeof pk === 'number' && !Number.isSafeInteger(pk)) {
      return { place: named, problem: 'Its pk is larger than JSON can say: read the database itself.' }
    }
    if ((pk === undefined || pk === null) && Object.values(mapping.claims).includes(this.#key)) {
      return {
        place: named,
        problem:
          'It has no pk: make the dump without --natural-primary, or say user_id = false in a mapping.',
      }
    }
    const wanted = Object.values(mapping.claims)
    const values: Record<string, unknown> = { ...fields, [this.#key]: pk ?? null }
    if (mapping.created !== undefined) {
      const created = values[mapping.created]
      if (typeof created === 'string') values[mapping.created] = toTime(created)
    }
    const related = this.#relations.find(fields, {
      groups: wanted.includes('groups'),
      permissions: wanted.includes('permissions'),
    })
    if ('problem' in related) return { place: named, problem: related.problem }
    return toUserRow({ place: named, values: { ...values, ...related } }, mapping)
  }
}

/** The objects of a JSON array, one at a time. */
export async function* readDumpArray(bytes: AsyncIterable<Buffer>): AsyncGenerator<DumpedValue> {
  // Loaded here, since no other command needs it.
  const { streamArray } = await import('stream-json/streamers/stream-array.js')
  const source = Readable.from(bytes)
  const objects = source.pipe(streamArray.withParserAsStream())
  source.on('error', (error) => objects.destroy(error))
  let count = 0
  try {
    for await (const { value } of objects) {
      count++
      yield { place: `object ${count}`, value }
    }
  } catch (error) {
    if (!(error instanceof Error && /^(?:Parser|Top-level)/.test(error.message))) throw error
    yield { place: `object ${count + 1}`, problem: 'It is not JSON. The rest cannot be read.' }
  }
}

/** The objects of `dumpdata --format jsonl`, as lines were read. */
export async function* readDumpLines(rows: AsyncIterable<UserRow>): AsyncGenerator<DumpedValue> {
  for await (const row of rows) {
    yield 'problem' in row ? row : { place: row.place, value: row.fields }
  }
}
