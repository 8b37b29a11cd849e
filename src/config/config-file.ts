import { readFile, stat } from 'node:fs/promises'
import { ConfigError } from './config-error.ts'

/** The name that is looked for in the working directory. */
export const defaultConfigFile = 'mintage.toml'

/** One value of the file. */
export interface FileEntry {
  /** As TOML has it. */
  readonly value: unknown
  /** Counted from 1; undefined where it could not be found. */
  readonly line: number | undefined
}

/** A configuration file that was read. */
export interface ConfigFile {
  readonly path: string
  readonly entries: ReadonlyMap<string, FileEntry>
}

/** Far more than every setting needs. */
const largestFile = 1_048_576

/**
 * Reads `path`, or `mintage.toml` in the working directory where there is one.
 * @throws {ConfigError} when it cannot be read or is not TOML. What stands in it is not repeated.
 */
export async function readConfigFile(path?: string): Promise<ConfigFile | undefined> {
  const name = path ?? defaultConfigFile
  let text: string
  try {
    const stats = await stat(name)
    if (stats.isDirectory()) throw new Error('it is a directory')
    if (stats.size > largestFile) throw new Error('it is too long')
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(name))
  } catch (error) {
    if (path === undefined && error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return undefined
    throw new ConfigError([`${name} cannot be read: ${reasonOf(error)}.`])
  }
  return { path: name, entries: await parseEntries(name, text) }
}

/** A file without some of its entries. */
export function withoutKeys(file: ConfigFile, keys: ReadonlySet<string>): ConfigFile {
  return { path: file.path, entries: new Map([...file.entries].filter(([key]) => !keys.has(key))) }
}

async function parseEntries(path: string, text: string): Promise<ReadonlyMap<string, FileEntry>> {
  // Loaded here, since most installations are configured by their environment.
  const { parse, TomlError } = await import('smol-toml')
  try {
    const table = parse(text)
    return new Map(Object.entries(table).map(([key, value]) => [key, { value, line: findLine(text, key) }]))
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // The lines that follow show the place, and a password perhaps.
    const [reason = ''] = error.message.split('\n')
    throw new ConfigError([
      `${path}:${error.line}:${error.column}: expected TOML, such as port = 8080 or issuer = "https://issuer.example"; ` +
        `${reason.replace(/^Invalid TOML document: /, '')}.`,
    ])
  }
}

/** The parser does not say where a key stands. */
function findLine(text: string, key: string): number | undefined {
  const name = key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const line = new RegExp(`^[ \\t]*\\[{0,2}[ \\t]*(["']?)${name}\\1[ \\t]*[=.\\]]`)
  const index = text.split('\n').findIndex((each) => line.test(each))
  return index === -1 ? undefined : index + 1
}

/** Why a file cannot be read, in words that follow a colon. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof TypeError) return 'it is not text in UTF-8'
  const code = 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'this user may not read it'
  // Node repeats the path behind a comma.
  return error.message.split(',')[0] ?? ''
}
