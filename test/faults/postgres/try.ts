import { promoteUnderLoad } from './promotion-run.ts'
import { fillDisk } from './full-disk-run.ts'
import { restartUnderLoad } from './restart-run.ts'
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
const [replication = 'synchronous', n = '1'] = process.argv.slice(2)
if (replication === 'restart') console.dir(await restartUnderLoad({ restarts: Number(n), clients: 8, pause: 40, say: console.log}))
else if (replication === 'disk') console.dir(await fillDisk({ times: Number(n), clients: 8, pause: 20}))
else console.dir(await promoteUnderLoad({ replication: replication === 'synchronous' ? 'synchronous': 'asynchronous', promotions: Number(n), clients: 8, pause: 40, lag: replication === 'synchronous' ? 0 : 1000, say: console.log, isSilent: process.argv[4] === 'silent' }), {depth: 9, maxStringLength: 600})
