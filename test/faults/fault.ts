/** A database that a row is run on. */
export type Engine = 'SQLite' | 'PostgreSQL'

/** How a row is to be run. */
export interface FaultOptions {
  /** One of the row's engines. */
  readonly engine: Engine
  /** Small figures that take seconds, for CI; the full ones take minutes. */
  readonly quick: boolean
  /**
   * The settings that put an installation on a new, empty database of the engine, deleted after the row: none for SQLite.
   * A row that brings its own server, or makes its databases itself, has no use for it.
   * @throws {CannotRunError} when there is no such server here.
   */
  database(): Promise<Readonly<Record<string, string>>>
  /**
   * The PostgreSQL server on which databases may be made; undefined on SQLite.
   * @throws {CannotRunError} when there is none here.
   */
  server(): string | undefined
  /** Tells how far it is, on stderr. */
  say(line: string): void
}

/** What was seen. */
export interface FaultOutcome {
  /** One line, with its numbers. */
  readonly figure: string
  /** Whether what must hold did. */
  readonly ok: boolean
}

/** One row of the fault table: something breaks around real processes, and something must hold. */
export interface Fault {
  /** What `--only` finds it by: a word or two in kebab-case. */
  readonly id: string
  /** The fault, as the table prints it. */
  readonly name: string
  /** What must hold. */
  readonly holds: string
  readonly engines: readonly Engine[]
  /** @throws {CannotRunError} where it cannot be tried; any other error is a failure. */
  run(options: FaultOptions): Promise<FaultOutcome>
}

/** What the row needs is not here: the message says what, and how to get it. The table tells that it was skipped. */
export class CannotRunError extends Error {
  override readonly name = 'CannotRunError'
}
