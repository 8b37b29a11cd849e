/** Something cannot be done now and may be done soon: the caller is asked to come again. */
export class UnavailableError extends Error {
  override readonly name: string = 'UnavailableError'
  /** Whole seconds after which trying again is worth it. */
  readonly retryAfterSeconds: number

  constructor(message: string, options: ErrorOptions & { readonly retryAfterSeconds?: number } = {}) {
    super(message, options)
    this.retryAfterSeconds = options.retryAfterSeconds ?? 1
  }
}
