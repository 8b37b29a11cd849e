import fc from 'fast-check'

const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \n\0']

const character = fc.constantFrom(...alphabet)
const place = fc.nat({ max: 1_200 })
type Mutation = (token: string) => string
const mutate = <T>(
  input: fc.Arbitrary<T>,
  change: (token: string, input: T) => string,
): fc.Arbitrary<Mutation> => input.map((value) => (token) => change(token, value))

const mutation = fc.oneof(
  mutate(fc.tuple(place, character), (s, [at, char]) => s.slice(0, at) + char + s.slice(at + 1)),
  mutate(fc.tuple(place, character), (s, [at, char]) => s.slice(0, at) + char + s.slice(at)),
  mutate(fc.tuple(place, fc.nat({ max: 8 })), (s, [at, length]) => s.slice(0, at) + s.slice(at + length)),
  mutate(fc.tuple(place, place), (s, [from, to]) => s + s.slice(Math.min(from, to), Math.max(from, to))),
  mutate(place, (s, at) => s.slice(0, at)),
  mutate(fc.string({ unit: 'binary', maxLength: 4 }), (s, tail) => s + tail),
  mutate(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (s, order) => {
    const parts = s.split('.')
    return order.map((index) => parts[index]).join('.')
  }),
  mutate(fc.constant(undefined), (s) => s.toUpperCase()),
)

/** What one to three mutations make of a token; now and then the token itself. */
export function mutated(token: string): fc.Arbitrary<string> {
  return fc
    .array(mutation, { minLength: 1, maxLength: 3 })
    .map((mutations) => mutations.reduce((current, change) => change(current), token))
}
