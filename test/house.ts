import { posix } from 'node:path'
import { readSource } from './source-reader.ts'

/** One thing that the house does not allow, as a sentence that names the file, the import and what is allowed. */
export type Violation = string

interface Room {
  /** The rows that the design's table names for this one. */
  readonly mayImport: readonly string[]
  /** What the row leaves out although it would follow from the others. */
  readonly except?: readonly string[]
  /** Only what the row lists, not what that may import in turn. */
  readonly exactly?: true
}

const upToTokens = [
  'protocol',
  'lib',
  'events',
  'store',
  'keys',
  'limits',
  'clients',
  'apis',
  'users',
  'status',
].concat(['sessions', 'tokens'])
const upToHttp = [...upToTokens, 'grants', 'admin', 'http']
const doors = ['cli', 'main', 'index']

/** Who may import whom: the folders of `src/`, and the files that stand in it. */
const rooms: Readonly<Record<string, Room>> = {
  protocol: { mayImport: [] },
  lib: { mayImport: [] },
  verifier: { mayImport: [] },
  events: { mayImport: ['protocol', 'lib'] },
  store: { mayImport: ['events', 'lib'] },
  keys: { mayImport: ['store', 'events'] },
  limits: { mayImport: ['store', 'events'] },
  clients: { mayImport: ['limits'] },
  apis: { mayImport: ['limits'] },
  users: { mayImport: ['limits'] },
  status: { mayImport: ['store', 'keys', 'events'] },
  sessions: { mayImport: ['status', 'clients', 'users'] },
  tokens: { mayImport: ['sessions', 'apis', 'keys'] },
  grants: { mayImport: upToTokens },
  admin: { mayImport: [...upToTokens, 'grants'] },
  // Reads foreign databases, besides ours through the use cases.
  transfer: { mayImport: ['admin'] },
  http: { mayImport: upToHttp, except: ['store'] },
  config: { mayImport: [...upToHttp, 'compose'] },
  compose: { mayImport: [...upToHttp, 'config'] },
  cli: { mayImport: ['compose', 'admin', 'config', 'transfer', 'protocol', 'lib', ...doors], exactly: true },
  main: { mayImport: ['compose', 'admin', 'config', 'protocol', 'lib', ...doors], exactly: true },
  index: { mayImport: ['compose', 'admin', 'config', 'protocol', 'lib', ...doors], exactly: true },
}

const verifierUsers = new Set(['tokens', 'grants', 'admin', 'http', 'config', 'compose', ...doors])
const environmentReaders = new Set(['config', 'compose', ...doors])
const databaseUsers = new Set(['store', 'migrations'])
const databaseDriver = /^(?:knex|better-sqlite3|pg|pg-native|sqlite3)(?:\/|$)/
const queryBuilder = /^knex(?:\/|$)/
const drawer = /(?:^|[-_.])(?:utils?|helpers?|common|misc)(?:[-_.]|$)/i
const maxLines = 300

/** The rows that files of `room` may import, its own among them. */
export function findAllowed(room: string): ReadonlySet<string> {
  const { mayImport = [], except = [], exactly } = rooms[room] ?? {}
  const reachable = new Set([room, ...mayImport])
  if (!exactly)
    for (const name of reachable) for (const next of rooms[name]?.mayImport ?? []) reachable.add(next)
  for (const name of except) reachable.delete(name)
  return reachable
}

/**
 * Checks one file of the server, the verifier or the migrations.
 * @param path from the root of the checkout, with slashes.
 */
export function inspect(path: string, source: string): readonly Violation[] {
  const room = findRoom(path)
  if (room === undefined)
    return [`${path} stands in no row of the table of folders (src/ has ${list(Object.keys(rooms))})`]
  const { imports, files, readsEnvironment } = readSource(path, source)
  const violations: (Violation | undefined)[] = [
    ...path
      .split('/')
      .map((part) => (drawer.test(part) ? `${path}: no folder or file is called ${part}` : undefined)),
    ...imports.map((specifier) => judgeImport(path, room, specifier)),
    ...files.map((specifier) => judgeFile(path, room, specifier)),
  ]
  if (readsEnvironment && !environmentReaders.has(room) && room !== 'migrations') {
    violations.push(`${path} reads process.env; only ${list(environmentReaders)} may`)
  }
  const lines = source.split('\n').length - 1
  if (lines > maxLines) violations.push(`${path} has ${lines} lines; ${maxLines} are the most`)
  return violations.filter((violation) => violation !== undefined)
}

function judgeImport(path: string, room: string, specifier: string | undefined): Violation | undefined {
  if (specifier === undefined)
    return `${path} imports something that is not a plain string, so that nobody can check it`
  if (specifier.startsWith('.')) return judgeFile(path, room, specifier)
  if (/^[/#]|^file:/.test(specifier))
    return `${path} imports ${specifier}; the house knows relative paths and packages`
  if (specifier.startsWith('node:')) return undefined
  if (room === 'verifier')
    return `${path} imports ${specifier}; the verifier may import node: modules and its own files`
  if (/^mintage(?:\/|$)/.test(specifier)) return `${path} imports ${specifier}, which is the server itself`
  if (/^@mintage\/verifier(?:\/|$)/.test(specifier) && !verifierUsers.has(room)) {
    return `${path} imports ${specifier}; only ${list(verifierUsers)} may`
  }
  const isForTransfer = room === 'transfer' && !queryBuilder.test(specifier)
  if (databaseDriver.test(specifier) && !databaseUsers.has(room) && !isForTransfer) {
    return `${path} imports ${specifier}; only ${list(databaseUsers)} may`
  }
  return undefined
}

/** Judges a relative path, of a module or of a file such as a worker's. */
function judgeFile(path: string, room: string, specifier: string): Violation | undefined {
  const target = posix.join(posix.dirname(path), specifier)
  const targetRoom = findRoom(target)
  if (room === 'migrations') {
    const stays = targetRoom === 'migrations'
    return stays ? undefined : `${path} imports ${specifier}; migrations may import knex and their own files`
  }
  if (targetRoom === 'migrations' && room === 'store') return undefined
  if (targetRoom === 'verifier' && room !== 'verifier') {
    return `${path} imports ${specifier}; the verifier is a package: @mintage/verifier/…`
  }
  // The version is the one that the package says it has; above the build lies the source's own folder.
  if (room === 'lib' && posix.basename(target) === 'package.json') return undefined
  const allowed = findAllowed(room)
  if (targetRoom !== undefined && allowed.has(targetRoom)) return undefined
  return `${path} imports ${specifier} (${targetRoom ?? target}); ${room} may import ${list(allowed)}`
}

/** The row that a path belongs to: the folder in `src/`, or the name of a file that stands in `src/` itself. */
function findRoom(path: string): string | undefined {
  const [top = '', first = '', ...rest] = path.split('/')
  if (top === 'migrations') return 'migrations'
  const name = rest.length > 0 ? first : first.replace(/\.[cm]?[jt]s$/, '')
  return top === 'src' && Object.hasOwn(rooms, name) ? name : undefined
}

function list(names: Iterable<string>): string {
  return [...names].join(', ')
}
