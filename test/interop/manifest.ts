import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { root } from '../../docs/generate/pages.ts'
import { type CheckName, checkNames } from './checks.ts'

const command = z.tuple([z.string()], z.string())

/** `interop.json`, as it stands in the folder of an example. */
const manifestSchema = z.strictObject({
  kind: z.enum(['verifier', 'client']),
  /** A language or a server, for the table. */
  ecosystem: z.string().min(1),
  library: z.string().min(1),
  /** Programs that must be on PATH once everything is installed. */
  needs: z.array(z.string()).default([]),
  /** Debian packages that are installed where they are missing. */
  debian: z.array(z.string()).default([]),
  /** Commands that install and build it, in its folder, in order; quick when there is nothing to do. */
  install: z.array(command).default([]),
  /**
   * Whether it uses `@mintage/verifier`, which comes from this checkout, packed, in place of an `npm install`; such a one
   * refuses what was revoked.
   */
  ownVerifier: z.boolean().default(false),
  /** Prints the version of the library. */
  version: command,
  /** A verifier stays in the foreground; a client runs once. */
  start: command,
  /** How its API must be registered beyond the defaults. */
  api: z
    .strictObject({
      typ: z.enum(['at+jwt', 'JWT']).default('at+jwt'),
      claimsPreset: z.enum(['rfc9068', 'simplejwt']).default('rfc9068'),
    })
    .prefault({}),
  /** What it needed beyond issuer and audience. */
  settings: z.string().default(''),
  /** What makes a new key known to it. */
  rotation: z.string().default(''),
  /** Answers that differ from what is expected of every verifier; its README says why. */
  expected: z.partialRecord(z.enum(checkNames), z.number()).default({}),
})

/** An example and what its manifest says. */
export interface Example extends Omit<z.output<typeof manifestSchema>, 'expected'> {
  readonly name: string
  readonly directory: string
  readonly expected: Readonly<Partial<Record<CheckName, number>>>
}

const examplesDirectory = fileURLToPath(new URL('examples/', root))

/** Every example that has a manifest, by name. Throws what is wrong with a manifest. */
export function readExamples(): readonly Example[] {
  return readdirSync(examplesDirectory)
    .toSorted()
    .filter((name) => existsSync(join(examplesDirectory, name, 'interop.json')))
    .map(readExample)
}

function readExample(name: string): Example {
  const directory = join(examplesDirectory, name)
  const path = join(directory, 'interop.json')
  const parsed = manifestSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`)
  const { expected, ...manifest } = parsed.data
  const ours = manifest.ownVerifier ? { otherTyp: 401, revoked: 401 } : {}
  return { ...manifest, name, directory, expected: { ...ours, ...expected } }
}
