import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { runMintage } from '../support/child-issuer.ts'
import { makeDirectory } from '../support/installation.ts'

const script = async (shell: string) => (await runMintage(['completion', shell])).stdout

/** What is offered behind each line of words; the last word is the one that is being typed. */
const expected: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['cl'], ['client']],
  [['client', 'dis'], ['disable']],
  [['client', 'create', '--gr'], ['--grant']],
  [
    ['client', 'create', '--grant', ''],
    ['client_credentials', 'password', 'refresh_token'],
  ],
  [['client', 'create', '--audience', 'x', '--grant', 're'], ['refresh_token']],
  [
    ['api', 'update', 'x', '--typ', ''],
    ['JWT', 'at+jwt'],
  ],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh'],
  ],
  [['user', 'import', '/dev/nul'], ['/dev/null']],
  [['client', 'list', 'no-such-word'], []],
]

test('bash completes commands, options and their values by the script that completion prints', async (t) => {
  const file = join(makeDirectory(t), 'mintage.bash')
  writeFileSync(file, await script('bash'))
  for (const [words, wished] of expected) {
    const ask = `source "$0"; COMP_WORDS=(mintage "$@"); COMP_CWORD=$#; _mintage; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', ask, file, ...words], { encoding: 'utf8' })
    const offered = stdout.split('\n').filter((word) => word !== '' && !/^(--?(help|h|json))$/.test(word))
    t.deepEqual(offered.sort(), [...wished], `${words.join(' ')}: ${stderr}`)
  }
})

test('fish completes the same, where it is installed', async (t) => {
  if (spawnSync('fish', ['--version']).status !== 0) return t.log('no fish here')
  const file = join(makeDirectory(t), 'mintage.fish')
  writeFileSync(file, await script('fish'))
  for (const [words, wished] of expected) {
    const ask = `source ${file}; complete -C 'mintage ${words.join(' ')}'`
    const { stdout, stderr } = spawnSync('fish', ['-c', ask], { encoding: 'utf8' })
    const offered = stdout
      .split('\n')
      .map((line) => line.split('\t')[0] ?? '')
      .filter((word) => word !== '')
    t.deepEqual(offered.sort(), [...wished], `${words.join(' ')}: ${stderr}`)
  }
})

test('zsh can read its script, where it is installed', async (t) => {
  const text = await script('zsh')
  t.regex(text, /^#compdef mintage\n/)
  if (spawnSync('zsh', ['--version']).status !== 0) return t.log('no zsh here')
  const file = join(makeDirectory(t), '_mintage')
  writeFileSync(file, text)
  const load = 'autoload -Uz compinit && compinit -u -D && source "$0" && print $_comps[mintage]'
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', load, file], { encoding: 'utf8' })
  t.deepEqual([stdout, stderr], ['_mintage\n', ''])
})
