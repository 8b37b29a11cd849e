import type { Config } from '../config.ts'
import { readForeignKey } from '../tokens/foreign-key.ts'

/** A configuration as one process hands it to another: of values that a structured clone keeps. */
export type HandedConfig = Omit<Config, 'foreignKey'> & {
  readonly foreignKey: { readonly text: string; readonly until: number } | undefined
}

/** The least that `MINTAGE_ISSUE_QUEUE` may be. */
const leastIssueQueue = 4

/**
 * What a worker goes by: the configuration, and of what it allows in all its share. `index` counts from 0. The connections
 * to the database are each process's own.
 */
export function configureWorker(config: Config, index: number, workers: number): HandedConfig {
  const share = (total: number, least = 1) =>
    Math.max(least, Math.floor(total / workers) + (index < total % workers ? 1 : 0))
  return {
    ...config,
    // Whoever started it has told of them, and has the admin listener.
    warnings: [],
    adminPort: undefined,
    hashThreads: share(config.hashThreads),
    hashQueue: share(config.hashQueue, 0),
    issueQueue: share(config.issueQueue, leastIssueQueue),
    maxConnections: share(config.maxConnections),
    streamSubscribers: share(config.streamSubscribers),
    foreignKey: config.foreignKey && {
      text: exportKey(config.foreignKey.key),
      until: config.foreignKey.until,
    },
  }
}

/** The configuration as the process that it was handed to uses it. */
export function takeConfig({ foreignKey, ...config }: HandedConfig): Config {
  const key = foreignKey && readForeignKey(foreignKey.text)
  return Object.freeze({ ...config, foreignKey: key && { key, until: foreignKey.until } })
}

function exportKey(key: NonNullable<Config['foreignKey']>['key']): string {
  if (key.algorithm === 'HS256') return key.secret.toString()
  return key.publicKey.export({ type: 'spki', format: 'pem' }).toString()
}
