import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { second } from '../../../src/lib/durations.ts'
import { eventually } from '../../support/eventually.ts'
import { createInstallation, type SharedInstallation } from '../../support/shared-installation.ts'
import { CannotRunError, type Fault, type FaultOutcome } from '../fault.ts'
import { type OutageOptions, type OutageResult, runOutage } from '../outage-run.ts'
import { mountSmallDisk } from '../small-disk.ts'

const holds = '503, JWKS and verification live on, no half write, recovery ≤ 5 s'

function judge(result: OutageResult, refuses: boolean): FaultOutcome {
  const { tally, during, recovery, goneOn, wentWrong, withoutRetryAfter, findings, alive } = result
  const answers = [...during].sort().map(([status, count]) => `${count} × ${status}`)
  const refused = during.get(503) ?? 0
  const isExpected = [...during.keys()].every((status) => status === 200 || (refuses && status === 503))
  const troubles = [
    ...(alive ? [] : ['the process died']),
    ...(wentWrong > 0 ? [`${wentWrong} verifications or key sets went wrong`] : []),
    ...(withoutRetryAfter > 0 ? [`${withoutRetryAfter} answers without Retry-After`] : []),
    ...findings,
  ]
  return {
    figure:
      `${answers.join(', ')} meanwhile; ${goneOn} key sets and verifications went on; ` +
      `answered again after ${(recovery / second).toFixed(2)} s; ${tally.lost} sessions lost, ${tally.forked} forked` +
      (troubles.length > 0 ? `; ${troubles.slice(0, 3).join('; ')}` : ', no half write'),
    ok:
      isExpected &&
      refused > 0 === refuses &&
      goneOn > 0 &&
      troubles.length === 0 &&
      tally.lost + tally.forked + tally.unanswered === 0 &&
      recovery <= 5 * second,
  }
}

type Plan = Omit<OutageOptions, 'installation' | 'seconds'>

async function runPlan(installation: SharedInstallation, quick: boolean, plan: Plan): Promise<FaultOutcome> {
  const result = await runOutage({ installation, seconds: quick ? 2 : 20, ...plan })
  return judge(result, plan.refuses)
}

export const diskFull: Fault = {
  id: 'disk-full',
  name: 'disk of the database full',
  holds,
  engines: ['SQLite'],
  async run({ quick }) {
    const disk = mountSmallDisk(8)
    const databaseFile = join(disk.directory, 'mintage.db')
    const installation = await createInstallation({
      environment: { MINTAGE_DATABASE_URL: `sqlite:${databaseFile}` },
    })
    try {
      const plan = { begin: disk.fill, end: disk.free, refuses: true }
      return await runPlan({ ...installation, databaseFile }, quick, plan)
    } finally {
      await installation.close()
      disk.remove()
    }
  },
}

export const stateFull: Fault = {
  id: 'state-full',
  name: 'disk of the keys and of the high-water mark full',
  holds: 'requests go on, the mark catches up, recovery ≤ 5 s',
  engines: ['SQLite'],
  async run({ quick }) {
    const disk = mountSmallDisk(1)
    const installation = await createInstallation({
      environment: {
        MINTAGE_KEYS_DIR: join(disk.directory, 'keys'),
        // Keys must be made and withdrawn meanwhile.
        MINTAGE_KEY_ROTATION: '3s',
        MINTAGE_JWKS_MAX_AGE: '1s',
        MINTAGE_ACCESS_TOKEN_TTL: '10m',
      },
    })
    try {
      return await runPlan(installation, quick, {
        begin: disk.fill,
        end: disk.free,
        refuses: false,
        afterwards: () => findLag(installation, join(disk.directory, 'keys')),
      })
    } finally {
      await installation.close()
      disk.remove()
    }
  },
}

/** Whether the high-water mark has caught up with the trail. */
async function findLag({ store }: SharedInstallation, directory: string): Promise<readonly string[]> {
  const isReached = async () => {
    const { sequence } = await store.auditChain.read()
    const mark: { readonly sequence: number } = JSON.parse(
      readFileSync(join(directory, 'high-water-mark.json'), 'utf8'),
    )
    return mark.sequence === sequence
  }
  return (await eventually(isReached, (reached) => reached, 5 * second)) ? [] : ['the mark lags behind']
}

export const locked: Fault = {
  id: 'locked',
  name: 'database locked by another process',
  holds,
  engines: ['SQLite'],
  async run({ quick }) {
    const installation = await createInstallation()
    const script = new URL('../lock-holder.js', import.meta.url).pathname
    const holder = async () => {
      const child = spawn(process.execPath, [script, installation.databaseFile], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      return child
    }
    let child: Awaited<ReturnType<typeof holder>> | undefined
    try {
      return await runPlan(installation, quick, {
        refuses: true,
        async begin() {
          child = await holder()
        },
        async end() {
          if (!child) return
          const ended = once(child, 'exit')
          child.stdin.end()
          await ended
        },
      })
    } finally {
      child?.kill('SIGKILL')
      await installation.close()
    }
  },
}

export const moved: Fault = {
  id: 'moved',
  name: 'database file moved away, and back',
  holds,
  engines: ['SQLite'],
  async run({ quick }) {
    const installation = await createInstallation()
    const { databaseFile } = installation
    try {
      return await runPlan(installation, quick, {
        refuses: true,
        begin: () => renameSync(databaseFile, `${databaseFile}.away`),
        end: () => renameSync(`${databaseFile}.away`, databaseFile),
      })
    } finally {
      await installation.close()
    }
  },
}

export const unmounted: Fault = {
  id: 'unmounted',
  name: 'disk of the database unmounted, and mounted again',
  holds,
  engines: ['SQLite'],
  async run({ quick }) {
    const disk = mountSmallDisk(16)
    const [volume, place] = [join(disk.directory, 'volume'), join(disk.directory, 'place')]
    for (const directory of [volume, place]) mkdirSync(directory)
    const mount = () => spawnSync('mount', ['--bind', volume, place]).status === 0
    const unmount = () => spawnSync('umount', ['-l', place])
    if (!mount()) throw new CannotRunError('no directory can be mounted here: run it as root')
    const databaseFile = join(place, 'mintage.db')
    const installation = await createInstallation({
      environment: { MINTAGE_DATABASE_URL: `sqlite:${databaseFile}` },
    })
    try {
      return await runPlan({ ...installation, databaseFile }, quick, {
        refuses: true,
        begin: () => void unmount(),
        end: () => void mount(),
      })
    } finally {
      await installation.close()
      unmount()
      disk.remove()
    }
  },
}
