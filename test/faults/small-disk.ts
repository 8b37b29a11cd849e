import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CannotRunError } from './fault.ts'

/** A real file system of a few megabytes. */
export interface SmallDisk {
  readonly directory: string
  /** Takes all the room that is left. */
  fill(): void
  free(): void
  remove(): void
}

/** @throws {CannotRunError} where nothing can be mounted. */
export function mountSmallDisk(megabytes: number): SmallDisk {
  const parent = mkdtempSync(join(tmpdir(), 'mintage-disk-'))
  const directory = join(parent, 'disk')
  mkdirSync(directory)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory], { stdio: 'pipe' })
  } catch {
    rmSync(parent, { recursive: true })
    throw new CannotRunError('no disk can be mounted here: run it as root')
  }
  const filler = join(directory, 'filler')
  return {
    directory,
    fill() {
      for (let block = 65_536; block >= 1; ) {
        try {
          appendFileSync(filler, Buffer.alloc(block))
        } catch {
          block = Math.floor(block / 2)
        }
      }
    },
    free: () => rmSync(filler, { force: true }),
    remove() {
      execFileSync('umount', ['-l', directory], { stdio: 'pipe' })
      rmSync(parent, { recursive: true, force: true })
    },
  }
}
