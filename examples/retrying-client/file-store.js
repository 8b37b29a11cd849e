import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A store in a file of mode 0600, for one process at a time. What was written survives a crash and a power cut. */
export class FileStore {
  #path

  constructor(path) {
    this.#path = path
  }

  async read() {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) ?? undefined
    } catch (error) {
      if (error.code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Whole or not at all: a draft is synced, then renamed. */
  async write(value) {
    const draft = `${this.#path}.draft`
    await withFile(draft, 'w', async (file) => {
      await file.writeFile(JSON.stringify(value ?? null))
      await file.sync()
    })
    await rename(draft, this.#path)
    await withFile(dirname(this.#path), 'r', (directory) => directory.sync())
  }
}

async function withFile(path, flags, use) {
  const file = await open(path, flags, 0o600)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}
