import { killNodes } from './kill-nodes-run.ts'
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
console.log(await killNodes({ seconds: 15, clients: 8, pause: 50, isPatient: true }))
