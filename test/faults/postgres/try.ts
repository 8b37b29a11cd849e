import { promoteUnderLoad } from './promotion-run.ts'
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
const [replication = 'synchronous', n = '1'] = process.argv.slice(2)
console.dir(await promoteUnderLoad({ replication: replication === 'synchronous' ? 'synchronous': 'asynchronous', promotions: Number(n), clients: 8, pause: 40, lag: replication === 'synchronous' ? 0 : 1000, say: console.log, isSilent: process.argv[4] === 'silent' }), {depth: 9, maxStringLength: 600})
