import type { ServerRecipe } from '../server-process.ts'

/** What is measured of a server, in the order of the tables. */
export const grants = ['client_credentials', 'refresh_token'] as const
export type Grant = (typeof grants)[number]

/** A request, as data, since it is sent to the load generator, a process of its own. */
export interface RequestTemplate {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  /** Without `Host` and `Content-Length`, which are the connection's. */
  readonly headers: Readonly<Record<string, string>>
  /** `{refresh_token}` stands for the one that is presented, encoded as the `Content-Type` wants it. */
  readonly body: string
}

/** How a server is asked for tokens by one grant, and where they stand in its answer, an object in JSON. */
export interface TokenRequest extends RequestTemplate {
  /** The member that holds the access token. */
  readonly accessToken: string
  /** The member that holds the successor of the refresh token; absent where there is none. */
  readonly refreshToken?: string
}

/** Where a subject is installed. */
export interface Place {
  /** Of this run, removed when it ends: databases, keys, whatever is made anew. */
  readonly directory: string
  /** Of this subject, kept from run to run: the packages it consists of. */
  readonly cache: string
  /** How many sessions it shall have, each with one refresh token that is valid. */
  readonly sessions: number
}

/** A subject that is ready to be started, as often as one likes. */
export interface Installed {
  readonly recipe: ServerRecipe
  /** What it can be asked for; what is absent is left out of its lines. */
  readonly requests: Readonly<Partial<Record<Grant, TokenRequest>>>
  /** Called once, while the server that is measured is running. @returns one refresh token of each session. */
  startSessions(): Promise<readonly string[]>
  /** @throws when the access token is not a good one of this server, by what it publishes. */
  verify(accessToken: string): Promise<unknown>
}

/** A server to compare: one module under `bench/subjects/` (ours) or `bench/peers/NAME/` (everybody else's). */
export interface Subject {
  /** As it stands in the tables and after `--subjects`. */
  readonly name: string
  /** What its tokens are signed with, such as `RS256`. */
  readonly signature: string
  /** What is still there after the power fails right behind an answer, in a few words. */
  readonly durable: string
  /**
   * Makes it ready, with all that is needed for it and that `npm install` does not bring.
   * @throws when that is impossible here; the benchmark says so and goes on without it.
   */
  install(place: Place): Promise<Installed>
}
