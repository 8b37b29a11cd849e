import { runModelOnSite } from './model-run.ts'
import { presentOneToken } from './one-token-run.ts'
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
const [replication = 'model', n = '1'] = process.argv.slice(2)
if (replication === 'model') console.dir(await runModelOnSite(Number(n)), {maxStringLength: 3000})
if (replication === 'one') console.dir(await presentOneToken(Number(n), 200))
