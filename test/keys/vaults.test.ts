import { join } from 'node:path'
import { DirectoryVault } from '../../src/keys/directory-vault.ts'
import { sqlite } from '../store/test-database.ts'
import { makeDirectory } from './key-ring-fixture.ts'
import { testSealedVault } from './sealed-vault-suite.ts'
import { testVault } from './vault-suite.ts'

testVault({
  name: 'directory',
  async open(t) {
    const directory = join(await makeDirectory(t), 'keys')
    return { vault: new DirectoryVault(directory), another: async () => new DirectoryVault(directory) }
  },
})
testSealedVault(sqlite)
