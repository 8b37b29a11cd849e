#!/usr/bin/env node
import { runCommand } from './cli/program.ts'

const exitCode = await runCommand(process.argv.slice(2))
if (exitCode !== 0) process.exit(exitCode)
