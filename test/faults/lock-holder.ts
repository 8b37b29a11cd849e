import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'

// Holds the write lock of the database that is named, from its line on stdout until stdin ends.
const Database = loadSqliteDriver()
const database = new Database(process.argv[2] ?? '', { timeout: 30_000 })
database.exec('BEGIN EXCLUSIVE')
process.stdout.write('locked\n')
process.stdin.resume().on('end', () => {
  database.exec('ROLLBACK')
  database.close()
})
