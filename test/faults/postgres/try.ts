import { execFileSync } from 'node:child_process'
import { PostgresCluster } from './cluster.ts'
const c = await PostgresCluster.start('none')
try { execFileSync(process.execPath, ['dist/bench/revocation/main.js', '--database', c.primary.url, '--nodes', '2', ...process.argv.slice(2)], { stdio: 'inherit' }) } finally { await c.close() }
