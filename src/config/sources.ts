import { readFileSync, statSync } from 'node:fs'
import { closestMatch } from 'leven'
import { type ConfigFile, reasonOf } from './config-file.ts'
import { describeInjected, isInjectedByKubernetes } from './kubernetes.ts'
import { aboutSetting, isVariable, keyOf, type Variable, variableOf, variables } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a value came from. */
export interface Source {
  readonly kind: 'environment' | 'file'
  /** What the operator wrote it under: `MINTAGE_PORT`, `MINTAGE_PORT_FILE`, `port` or `port_file`. */
  readonly name: string
  /** `mintage.toml:12` for what stands in the file. */
  readonly place?: string
  /** The file that holds nothing but the value, where `name` ends in `_FILE`. */
  readonly valueFile?: string
}

/** The text that a setting was given, and by what. */
export interface Assignment {
  readonly text: string
  readonly source: Source
}

/** What environment and file assign, the environment first; nothing is checked yet but the names. */
export interface Assignments {
  readonly assigned: ReadonlyMap<Variable, Assignment>
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** Collects what is set. `MINTAGE_X_FILE`, or `x_file` in the file, reads the value of `MINTAGE_X` from a file. */
export function collectAssignments(environment: Environment, file?: ConfigFile): Assignments {
  const problems: string[] = []
  const injected: string[] = []
  const fromEnvironment = new Map<Variable, Assignment>()
  const fromFile = new Map<Variable, Assignment>()
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('MINTAGE_') || text === undefined || text === '') continue
    if (isInjectedByKubernetes(name, text)) injected.push(name)
    else assign(fromEnvironment, name, text, { kind: 'environment', name }, problems)
  }
  for (const [name, { value, line }] of file?.entries ?? []) {
    const place = `${file?.path}${line === undefined ? '' : `:${line}`}`
    assign(fromFile, variableOf(name), value, { kind: 'file', name, place }, problems)
  }
  const assigned = new Map([...fromFile, ...fromEnvironment])
  const warning = describeInjected(injected)
  return {
    assigned,
    problems,
    warnings: warning === undefined ? [] : [warning],
  }
}

/** The name under which a value was written, behind the place where it stands. */
export function locate({ name, place }: Source): string {
  const shown = /^[\w-]+$/.test(name) ? name : JSON.stringify(name)
  return place === undefined ? shown : `${place}: ${shown}`
}

function assign(
  layer: Map<Variable, Assignment>,
  name: string,
  value: unknown,
  source: Source,
  problems: string[],
): void {
  const variable = name.replace(/_FILE$/, '')
  // In the file a key is written in one way only.
  const isKnown = isVariable(variable) && (source.kind === 'environment' || source.name === keyOf(name))
  if (!isKnown) {
    problems.push(`${locate(source)} is unknown: no setting has this name${suggest(source, value)}`)
    return
  }
  const text = toText(value, variable)
  if (text === undefined) {
    problems.push(
      `${locate(source)} is ${describeType(value)}: expected ${aboutSetting(variable).kind.expected}.`,
    )
    return
  }
  const assignment = name === variable ? { text, source } : readValue(variable, text, source, problems)
  if (assignment === undefined) return
  if (layer.has(variable)) {
    const itself = source.kind === 'file' ? keyOf(variable) : variable
    const byFile = source.kind === 'file' ? `${itself}_file` : `${itself}_FILE`
    const place = source.place === undefined ? '' : `${source.place}: `
    problems.push(`${place}${itself} is set twice: by itself and by ${byFile}.`)
  }
  layer.set(variable, assignment)
}

/** A value of the file as the environment would have it; undefined when it is of another type. */
function toText(value: unknown, variable: Variable): string | undefined {
  if (typeof value === 'string') return value
  const { toml } = aboutSetting(variable).kind
  if (typeof value === 'number' && toml === 'number') return String(value)
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
  return isList && toml === 'array' ? value.join(',') : undefined
}

function describeType(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return 'a list'
  return value instanceof Date ? 'a date' : 'a table'
}

/** Far longer than any value may be. */
const largestValue = 65_536

function readValue(
  variable: Variable,
  path: string,
  source: Source,
  problems: string[],
): Assignment | undefined {
  try {
    const stats = statSync(path)
    if (!stats.isFile() && !stats.isFIFO()) throw new Error('it is not a regular file')
    if (stats.size > largestValue) throw new Error('it is too long for a value')
    const bytes = readFileSync(path)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
    return { text, source: { ...source, valueFile: path } }
  } catch (error) {
    problems.push(
      `${locate(source)} names a file that cannot be read${showPath(variable, path)}: ${reasonOf(error)}.`,
    )
    return undefined
  }
}

/** The path, unless it may be the secret itself, set by the wrong name. */
function showPath(variable: Variable, path: string): string {
  const isPath = aboutSetting(variable).secret !== true || (path.includes('/') && !path.includes('://'))
  return isPath ? ` (${path.replace(/\p{Cc}/gu, '\uFFFD')})` : ''
}

/** What the operator may have meant by a name that no setting has. */
function suggest({ kind, name }: Source, value: unknown): string {
  const suffix = /[_-]file$/i.test(name) ? '_FILE' : ''
  const asked = [name, ...namesBelow(name, value)].map((each) =>
    variableOf(
      keyOf(
        each
          .toUpperCase()
          .replace(/[^A-Z0-9]+/g, '_')
          .replace(/_FILE$/, ''),
      ),
    ),
  )
  for (const each of asked) {
    const match = closestMatch(each, variables, {
      maxDistance: Math.max(2, Math.floor((each.length - 8) / 3)),
    })
    if (match === undefined) continue
    return `; did you mean ${kind === 'file' ? keyOf(match + suffix) : match + suffix}?`
  }
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? '; settings stand in no table, under names such as database_url.'
    : '.'
}

/** `url` in a table `database` may be meant for `database_url`. */
function namesBelow(name: string, value: unknown): readonly string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return []
  return Object.keys(value).map((below) => `${name}_${below}`)
}
