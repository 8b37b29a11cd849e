/**
 * Loaded into a server before its own code (`node --import`): SIGUSR2 begins a CPU profile of its main thread, the
 * next one ends it and writes it where `BENCH_PROFILE` says. `--cpu-prof` would take in the start as well.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

const path = process.env['BENCH_PROFILE'] ?? 'server.cpuprofile'
const microsecondsBetweenSamples = 250
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: microsecondsBetweenSamples })
let isRunning = false

async function toggle(): Promise<void> {
  isRunning = !isRunning
  if (isRunning) {
    await session.post('Profiler.start')
    return
  }
  const { profile } = await session.post('Profiler.stop')
  // Renamed when it is whole, since somebody waits for it to appear.
  writeFileSync(`${path}.part`, JSON.stringify(profile))
  renameSync(`${path}.part`, path)
}

process.on('SIGUSR2', () => void toggle())
