import test from 'ava'
import { createTokenId, isTokenIdOf } from '../../src/tokens/token-id.ts'

test('a token id is known again by its client alone', (t) => {
  for (let n = 0; n < 100; n++) {
    const id = createTokenId('cli_one')
    t.true(isTokenIdOf(id, 'cli_one'))
    t.false(isTokenIdOf(id, 'cli_two'))
  }
  t.not(createTokenId('cli_one'), createTokenId('cli_one'))
  for (const id of ['', 'x', createTokenId('cli_one').slice(0, -2)]) t.false(isTokenIdOf(id, 'cli_one'))
})
