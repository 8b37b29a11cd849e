#!/usr/bin/env node
import { runCommand } from './cli/program.ts'

// A reader that went away, or a full disk: what could not be said must not look like success, nor stop a server.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exitCode = 1
  if (error.code !== 'EPIPE') process.stderr.write(`mintage: stdout cannot be written: ${error.message}.\n`)
})
process.stderr.on('error', () => undefined)

const exitCode = await runCommand(process.argv.slice(2))
if (exitCode !== 0) process.exit(exitCode)
