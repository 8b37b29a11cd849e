/**
 * Passes on what another process writes, whole lines at a time: those of several stay apart. What a process that was
 * killed has left of a line is lost with it.
 */
export class LineRelay {
  readonly #write: (lines: string) => void
  #rest = ''

  constructor(write: (lines: string) => void) {
    this.#write = write
  }

  take(text: string): void {
    const end = text.lastIndexOf('\n') + 1
    if (end === 0) {
      this.#rest += text
      return
    }
    this.#write(this.#rest + text.slice(0, end))
    this.#rest = text.slice(end)
  }
}
