import { parse } from '@babel/parser'

/** A field of an event as its type has it. */
export interface EventField {
  readonly name: string
  readonly type: string
  readonly optional: boolean
}

/** Events that say the same of different things, or of one at different times. */
export interface EventGroup {
  readonly types: readonly string[]
  readonly meaning: string
  readonly fields: readonly EventField[]
}

/** What is looked at of a node of the syntax tree. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly declaration?: Node
  readonly id?: { readonly name: string }
  readonly typeAnnotation?: Node
  readonly types?: readonly Node[]
  readonly members?: readonly Node[]
  readonly key?: { readonly name: string }
  readonly optional?: boolean
  readonly literal?: { readonly value: string }
  readonly leadingComments?: readonly { readonly value: string }[]
}

/**
 * Reads the events out of the source of `src/events/event.ts`: the type is where an event is told of, and a type is
 * gone when the program runs.
 */
export function readEvents(source: string): readonly EventGroup[] {
  const tree = parse(source, { sourceType: 'module', plugins: ['typescript'] })
  const statements = tree.program.body as unknown as readonly Node[]
  const aliases = new Map(
    statements.flatMap(({ declaration }) =>
      declaration?.type === 'TSTypeAliasDeclaration' && declaration.id && declaration.typeAnnotation
        ? [[declaration.id.name, declaration.typeAnnotation] as const]
        : [],
    ),
  )
  const text = ({ start, end }: Node) => source.slice(start, end)
  const describe = (annotation: Node): string => {
    // A name of this file says nothing to a reader of the page.
    const named = aliases.get(text(annotation)) ?? annotation
    return alternatives(named).map(text).join(', ')
  }
  return alternatives(aliases.get('Event')).map((event) => {
    const [first, ...rest] = event.members ?? []
    if (first?.key?.name !== 'type' || !first.typeAnnotation?.typeAnnotation) {
      throw new Error(`An event begins with its type, unlike ${text(event)}`)
    }
    const types = alternatives(first.typeAnnotation.typeAnnotation).map(({ literal }) => literal?.value ?? '')
    return {
      types,
      meaning: sentence(first.leadingComments?.at(-1)?.value ?? ''),
      fields: rest.map((field) => ({
        name: field.key?.name ?? '',
        type: field.typeAnnotation?.typeAnnotation ? describe(field.typeAnnotation.typeAnnotation) : '',
        optional: field.optional === true,
      })),
    }
  })
}

function alternatives(node: Node | undefined): readonly Node[] {
  if (!node) return []
  return node.type === 'TSUnionType' ? (node.types ?? []) : [node]
}

/** The text of a comment in one line. */
function sentence(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*+/, '').trim())
    .join(' ')
    .trim()
}
