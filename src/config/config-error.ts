import { OperatorError } from '../lib/operator-error.ts'

/** A setting is missing, unknown or bad; each problem names the setting, what was expected and where it came from. */
export class ConfigError extends OperatorError {
  override readonly name = 'ConfigError'
  /** A sentence each. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
