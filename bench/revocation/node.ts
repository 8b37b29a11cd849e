/** A second node on the same database; tells when it serves. */
import { startIssuer } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'

const { url } = await startIssuer({ config: readConfig(process.env) })
process.send?.(url)
