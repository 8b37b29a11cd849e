import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cleanEnvironment } from './child-issuer.ts'

export interface PageSection {
  readonly heading: string
  readonly blocks: readonly string[]
}

/** The parts of a page under second-level headings that have blocks of shell; what stands above has no heading. */
export function findSections(page: string): readonly PageSection[] {
  return page
    .split(/^## /m)
    .map((section, index) => ({
      heading: index === 0 ? '' : (section.split('\n')[0] ?? ''),
      blocks: [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block),
    }))
    .filter(({ blocks }) => blocks.length > 0)
}

/** One shell for all blocks of a page, as one reader has; it ends at the first command that fails. */
export class PageShell {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #output = ''
  #said = ''
  #blocks = 0

  constructor(directory: string, environment: Readonly<Record<string, string>>) {
    // A group of its own, which what it leaves in the background ends with.
    this.#child = spawn('bash', ['-euo', 'pipefail'], {
      cwd: directory,
      env: cleanEnvironment(environment),
      detached: true,
    })
    this.#child.stdout?.setEncoding('utf8')
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text
    })
    this.#child.stdin?.on('error', () => undefined)
    this.#closed = once(this.#child, 'close')
  }

  /** Runs a block to its end; resolves to what it printed. @throws with all that was said when a command failed. */
  async run(block: string): Promise<string> {
    const mark = `end of block ${++this.#blocks}\n`
    this.#output = ''
    this.#said = ''
    const ended = new Promise<string>((resolve, reject) => {
      const take = (text: string) => {
        this.#output += text
        if (!this.#output.endsWith(mark)) return
        this.#child.stdout?.off('data', take)
        resolve(this.#output.slice(0, -mark.length))
      }
      this.#child.stdout?.on('data', take)
      void this.#closed.then(() =>
        reject(new Error(`This block failed:\n${block}${this.#output}${this.#said}`)),
      )
    })
    this.#child.stdin?.write(`${block}\nprintf '%s\\n' '${mark.trim()}'\n`)
    return ended
  }

  async end(): Promise<void> {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid)
    } catch {
      // It has ended by itself, and everything with it.
    }
    await this.#closed
  }
}
