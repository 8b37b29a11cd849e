import { parse } from '@babel/parser'

/** What a source file reaches for. */
export interface SourceFacts {
  /** Specifiers of every import and re-export, of types too; undefined where one is computed. */
  readonly imports: readonly (string | undefined)[]
  /** Paths that are resolved against the file itself, as a worker's is. */
  readonly files: readonly string[]
  readonly readsEnvironment: boolean
}

/** A node of the tree, with the members that are looked at here. */
interface Syntax {
  readonly type: string
  readonly name?: unknown
  readonly value?: unknown
  readonly source?: unknown
  readonly argument?: unknown
  readonly expression?: unknown
  readonly callee?: unknown
  readonly arguments?: unknown
  readonly object?: unknown
  readonly property?: unknown
  readonly properties?: unknown
  readonly specifiers?: unknown
  readonly imported?: unknown
  readonly id?: unknown
  readonly init?: unknown
  readonly key?: unknown
  readonly literal?: unknown
  readonly quasis?: unknown
}

/** Reads a TypeScript module by its syntax tree. */
export function readSource(path: string, source: string): SourceFacts {
  const plugins: ('typescript' | ['typescript', { dts: boolean }])[] = [
    path.endsWith('.d.ts') ? ['typescript', { dts: true }] : 'typescript',
  ]
  const tree = parse(source, { sourceType: 'module', plugins, createImportExpressions: true })
  const imports: (string | undefined)[] = []
  const files: string[] = []
  let readsEnvironment = false
  for (const node of walk(tree.program)) {
    const specifier = findSpecifier(node)
    if (specifier) imports.push(readString(specifier.source))
    const file = findFile(node)
    if (file !== undefined) files.push(file)
    readsEnvironment ||= isEnvironment(node)
  }
  return { imports, files, readsEnvironment }
}

/** The expression that says where an import comes from, if the node is an import of any kind. */
function findSpecifier(node: Syntax): { readonly source: unknown } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return { source: node.source }
    case 'ExportNamedDeclaration':
      return node.source ? { source: node.source } : undefined
    case 'TSImportType':
      return { source: node.argument }
    case 'TSExternalModuleReference':
      return { source: node.expression }
    case 'CallExpression':
      return isIdentifier(node.callee, 'require') ? { source: (node.arguments as unknown[])[0] } : undefined
    default:
      return undefined
  }
}

/** `new URL('./x', import.meta.url)` and `import.meta.resolve('./x')`. */
function findFile(node: Syntax): string | undefined {
  const [first] = Array.isArray(node.arguments) ? node.arguments : []
  const byUrl = node.type === 'NewExpression' && isIdentifier(node.callee, 'URL')
  const callee = isSyntax(node.callee) ? node.callee : undefined
  const byResolve =
    node.type === 'CallExpression' && isSyntax(callee?.object) && callee.object.type === 'MetaProperty'
  const file = byUrl || byResolve ? readString(first) : undefined
  return file?.startsWith('.') ? file : undefined
}

/** `process.env`, `process['env']`, `const { env } = process`, `import { env } from 'node:process'`. */
function isEnvironment(node: Syntax): boolean {
  if (node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression') {
    return isProcess(node.object) && isNamed(node.property, 'env')
  }
  if (node.type === 'VariableDeclarator') {
    const pattern = isSyntax(node.id) && node.id.type === 'ObjectPattern' ? node.id.properties : []
    return isProcess(node.init) && (pattern as Syntax[]).some((property) => isNamed(property.key, 'env'))
  }
  if (node.type === 'ImportDeclaration' && /^(?:node:)?process$/.test(readString(node.source) ?? '')) {
    return (node.specifiers as Syntax[]).some((specifier) => isNamed(specifier.imported, 'env'))
  }
  return false
}

function isProcess(value: unknown): boolean {
  if (isIdentifier(value, 'process')) return true
  return isSyntax(value) && value.type === 'MemberExpression' && isNamed(value.property, 'process')
}

function isIdentifier(value: unknown, name: string): boolean {
  return isSyntax(value) && value.type === 'Identifier' && value.name === name
}

function isNamed(value: unknown, name: string): boolean {
  return isIdentifier(value, name) || readString(value) === name
}

function readString(value: unknown): string | undefined {
  if (!isSyntax(value)) return undefined
  if (value.type === 'TSLiteralType') return readString(value.literal)
  if (value.type === 'StringLiteral') return String(value.value)
  const quasis = value.type === 'TemplateLiteral' ? (value.quasis as Syntax[]) : []
  const [only, ...more] = quasis
  return only && more.length === 0 ? (only.value as { cooked: string }).cooked : undefined
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

function* walk(value: unknown): Generator<Syntax> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item)
  } else if (isSyntax(value)) {
    yield value
    for (const child of Object.values(value)) if (typeof child === 'object') yield* walk(child)
  }
}
