/** A user that both corners have. */
export interface LabUser {
  readonly username: string
  readonly email: string
  readonly password: string
  readonly active: boolean
}

/** What is done to a user between two requests. */
export type Change =
  | { readonly action: 'disable' | 'delete'; readonly username: string }
  | { readonly action: 'set-password'; readonly username: string; readonly password: string }

export type Claims = Readonly<Record<string, unknown>>

/** One of the two that are asked the same. */
export interface Corner {
  readonly url: string
  readonly versions: Readonly<Record<string, string>>
  change(change: Change): Promise<void>
  /** The token with other claims, signed by the corner's own key. */
  sign(token: string, alter: (claims: Claims) => Claims): string
  /** A token of the same kind whose time is over. */
  expire(token: string): Promise<string>
  stop(): Promise<void>
}

export const secretOfUsers = 'correct horse battery staple'

const user = (username: string, more: Partial<LabUser> = {}): LabUser => ({
  username,
  email: `${username.normalize('NFKD').replace(/[^\w.]/g, '')}@example.com`,
  password: secretOfUsers,
  active: true,
  ...more,
})

/** The users of both corners; whoever is changed in a scenario is in no other. */
export const users: readonly LabUser[] = [
  user('ada'),
  user('inactive', { active: false }),
  user('Grace.Hopper'),
  user('Åsa'),
  user('жанна', { email: 'zhanna@example.com' }),
  user('中村', { email: 'nakamura@example.com' }),
  user('a@b.example', { email: 'a@b.example' }),
  user('spaced-password', { password: '  correct horse battery staple  ' }),
  user('unicode-password', { password: 'pässwörd mit ümlauten 🐴🔋' }),
  ...['refresh', 'verify', 'login', 'blacklist'].flatMap((when) =>
    ['disable', 'delete', 'set-password'].map((action) => user(`${action}-${when}`)),
  ),
]
