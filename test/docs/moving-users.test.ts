import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../../docs/generate/pages.ts'
import { userFields } from '../../src/admin/user-row.ts'
import { readMapping, resolveMapping } from '../../src/transfer/mapping.ts'
import { currentFormat, judgeHash, otherFormats } from '../../src/users/hashes/known-formats.ts'
import { findBlocks, findRows } from '../markdown.ts'

const page = readFileSync(new URL('docs/moving-users.md', root), 'utf8')

test('the page on moving users has a row for every format of hashes, and for no other', (t) => {
  const [, formats = ''] = page.split('## Which hashes')
  const rows = findRows(formats).filter(([id = '']) => /^`[\w-]+`$/.test(id))
  t.deepEqual(
    rows.map(([id = '']) => id.slice(1, -1)).sort(),
    [currentFormat, ...otherFormats].map(({ id }) => id).sort(),
  )
})

test('what the page says a hash may ask for at most is what is taken', (t) => {
  const takes = (encoded: string) => 'format' in judgeHash(encoded)
  const end = `$${'c'.repeat(22)}$${'a'.repeat(43)}`
  for (const [said, taken, refused] of [
    [
      '10,000,000 iterations',
      `pbkdf2_sha256$10000000$s$${'A'.repeat(43)}=`,
      `pbkdf2_sha256$10000001$s$${'A'.repeat(43)}=`,
    ],
    ['cost 16', `$2b$16$${'a'.repeat(53)}`, `$2b$17$${'a'.repeat(53)}`],
    [
      '256 MiB, 4 GiB over all passes',
      `$argon2id$v=19$m=262144,t=16,p=1${end}`,
      `$argon2id$v=19$m=262144,t=17,p=1${end}`,
    ],
    ['256 MiB', `$argon2i$v=19$m=262144,t=1,p=1${end}`, `$argon2i$v=19$m=262145,t=1,p=1${end}`],
    ['256 MiB, `N × r × p`', `$scrypt$ln=18,r=8,p=1${end}`, `$scrypt$ln=19,r=8,p=1${end}`],
    ['`N × r × p` of 8,388,608', `$scrypt$ln=16,r=8,p=16${end}`, `$scrypt$ln=16,r=8,p=17${end}`],
    [
      '1,024 characters',
      `md5$${'s'.repeat(987)}$${'0'.repeat(32)}`,
      `md5$${'s'.repeat(988)}$${'0'.repeat(32)}`,
    ],
  ] as const) {
    t.true(page.includes(said), said)
    t.true(takes(taken), taken)
    t.false(takes(refused), refused)
  }
})

test('the mapping on the page is one, and the fields of a list are those that are read', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'mintage-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const [mapping = ''] = findBlocks(page, 'toml')
  writeFileSync(join(directory, 'users.toml'), mapping)
  const columns = ['id', 'email', 'password', 'is_active', 'joined', 'plan', 'is_staff']
  t.deepEqual(resolveMapping(readMapping(join(directory, 'users.toml')), columns, 'id').claims, {
    ...{ user_id: 'id', plan: 'plan', staff: 'is_staff', groups: 'groups', permissions: 'permissions' },
  })
  const [, list = ''] = page.split('## From a list')
  for (const field of userFields) t.true(list.includes(`\`${field}\``), field)
})
