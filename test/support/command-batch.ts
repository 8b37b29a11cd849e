import { readFileSync } from 'node:fs'
import { runCommand } from '../../src/cli/program.ts'
import type { CommandResult } from './child-issuer.ts'

/** Runs the commands that stdin holds as JSON one after another, and prints as JSON how each ended. */
const batch: readonly (readonly string[])[] = JSON.parse(readFileSync(0, 'utf8'))
const results: CommandResult[] = []
const print = process.stdout.write.bind(process.stdout)

for (const args of batch) {
  let stdout = ''
  let stderr = ''
  process.stdout.write = (text, done?: unknown) => {
    stdout += text
    if (typeof done === 'function') done()
    return true
  }
  process.stderr.write = (text) => {
    stderr += text
    return true
  }
  results.push({ code: await runCommand(args), stdout, stderr })
}
print(JSON.stringify(results))
