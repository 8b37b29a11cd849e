import { InvalidPasswordError } from './password-hash.ts'

/** Whose password it is to be. */
export interface PasswordOwner {
  readonly username: string
  readonly email: string | null
}

/** Shorter parts of a name stand in too many other words. */
const shortestName = 3

/**
 * What is asked of a password that is set here; one that comes with its hash is nobody's to judge. There are no rules of
 * composition (NIST SP 800-63B-4 §3.1.1.2).
 * @param minLength in characters: Unicode code points of the normalised form.
 * @throws {InvalidPasswordError} that says which rule, and what to do.
 */
export async function checkNewPassword(
  password: string,
  minLength: number,
  owner: PasswordOwner,
): Promise<void> {
  const length = [...password].length
  if (length < minLength) {
    throw new InvalidPasswordError(
      `A password has at least ${minLength} characters, and this one has ${length}: take some words more.`,
    )
  }
  // The lists take longer to load than most commands take as a whole.
  const { findWeakness } = await import('./weak-passwords.ts')
  const weakness = findWeakness(password, listOwnNames(owner))
  if (weakness === 'common') {
    throw new InvalidPasswordError(
      'The password is a common one, or made of nothing but common ones, repetitions and dates: ' +
        'take several words that do not belong together.',
    )
  }
  if (weakness === 'own-name') {
    throw new InvalidPasswordError(
      'The password is made of the name of the user or of Mintage, and of nothing that a stranger would have to ' +
        'guess: take several words that have nothing to do with either.',
    )
  }
}

/** The names that a stranger tries first, whole and in parts. */
function listOwnNames({ username, email }: PasswordOwner): readonly string[] {
  const names = ['mintage', username, ...(email === null ? [] : [email])]
  return names
    .flatMap((name) => [name, ...name.split(/[^\p{L}\p{N}]+/u)])
    .filter((name) => name.length >= shortestName)
}
