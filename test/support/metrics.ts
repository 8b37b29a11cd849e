import { read } from './oauth.ts'

/** The samples of the admin listener, by name and labels as they stand in the text. */
export async function scrape(adminUrl: string): Promise<ReadonlyMap<string, number>> {
  const { status, text } = await read(await fetch(`${adminUrl}/metrics`))
  if (status !== 200) throw new Error(`No metrics, but ${status} ${text}`)
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const space = line.lastIndexOf(' ')
    samples.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return samples
}

/** What grew between two readings, and by how much. */
export function growth(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Readonly<Record<string, number>> {
  const grown = [...after].filter(([name, value]) => value !== (before.get(name) ?? 0))
  return Object.fromEntries(grown.map(([name, value]) => [name, value - (before.get(name) ?? 0)]))
}
