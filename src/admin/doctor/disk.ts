import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Finding, failure, ok, sentenceOf, warning } from './finding.ts'

const mebibyte = 1_048_576

/** Below, in bytes, the next writes fail; below the second, somebody should see to it. */
const almostNothing = 16 * mebibyte
const little = 256 * mebibyte

/** File systems on which data does not stay, or SQLite cannot lock, by the number that Linux has for them (statfs(2)). */
const unfit: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'in memory (tmpfs), and gone after a restart: put it on a disk'],
  [0x794c7630, 'in the layer of a container (overlay), and gone with it: mount a volume there'],
  [0x6969, 'on NFS, where SQLite in WAL mode is not safe: put it on a local disk, or use PostgreSQL'],
  [0xff534d42, 'on CIFS, where SQLite in WAL mode is not safe: put it on a local disk, or use PostgreSQL'],
  [0xfe534d42, 'on SMB, where SQLite in WAL mode is not safe: put it on a local disk, or use PostgreSQL'],
])

/** Looks at the room of the disks that the directories are on. A directory that is not there yet counts where it will be. */
export async function examineDisks(directories: readonly string[]): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const directory of new Set(directories.map((each) => resolve(each)))) {
    try {
      const { bavail, bsize, type, files, ffree } = await statfs(nearest(directory))
      findings.push(judgeRoom(directory, bavail * bsize, files === 0 ? undefined : ffree))
      const reason = unfit.get(type)
      if (reason !== undefined) findings.push(warning('disk', `${directory} lies ${reason}.`))
    } catch (error) {
      findings.push(warning('disk', `The room of ${directory} cannot be told: ${sentenceOf(error)}`))
    }
  }
  return findings
}

/** Judges the room on a disk, in bytes, and how many files it may still take where it counts them. */
export function judgeRoom(directory: string, free: number, freeFiles: number | undefined): Finding {
  const room = `${Math.floor(free / mebibyte)} MiB`
  if (free < almostNothing) {
    return failure(
      'disk',
      `${directory} has ${room} left, and nothing can be issued when it is full: free some space.`,
    )
  }
  if (freeFiles !== undefined && freeFiles < 100) {
    return failure(
      'disk',
      `${directory} may hold ${freeFiles} more files, and a key is a file: delete what is not needed.`,
    )
  }
  return free < little
    ? warning('disk', `${directory} has ${room} left: free some space before it is full.`)
    : ok('disk', `${directory} has ${room} left.`)
}

function nearest(directory: string): string {
  return existsSync(directory) || dirname(directory) === directory ? directory : nearest(dirname(directory))
}
