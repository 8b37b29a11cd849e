import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** The licences of all packages of which something stands in the bundle, as they ask for. @throws where one has none. */
export function collectLicences(root: string, { outputs }: Pick<Metafile, 'outputs'>): string {
  const inputs = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  )
  const packages = new Set(inputs.flatMap((path) => findPackage(path) ?? []))
  const licences = [...packages].map((path) => describePackage(root, path))
  return [
    'The executable beside this file holds code of these packages.\n',
    ...[...new Set(licences)].sort(),
  ].join(`\n${'-'.repeat(80)}\n\n`)
}

/** The directory of the package that a bundled file is of; undefined for our own. */
function findPackage(path: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
}

function describePackage(root: string, path: string): string {
  const directory = join(root, path)
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const files = readdirSync(directory).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  if (typeof license !== 'string') throw new Error(`${path} says nothing of its licence.`)
  const texts = files.sort().map((file) => readFileSync(join(directory, file), 'utf8').trim())
  return `${name} ${version} (${license})\n\n${texts.length > 0 ? `${texts.join('\n\n')}\n` : ''}`
}
