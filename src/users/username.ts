/** The one form in which a user name is kept and looked up: NFKC, as Django keeps it. Case counts. */
export function normaliseUsername(username: string): string {
  return username.normalize('NFKC')
}
