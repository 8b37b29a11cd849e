/** What a child process of the benchmark says of one message. */
export type Report<Result> = { readonly result: Result } | { readonly failure: string }

/** Answers each message of the parent, a `Worker`, with what `run` makes of it. */
export function answerParent<Message, Result>(run: (message: Message) => Promise<Result>): void {
  process.on('message', (message: Message) => {
    run(message).then(
      (result) => process.send?.({ result } satisfies Report<Result>),
      (error: unknown) => process.send?.({ failure: String(error) } satisfies Report<Result>),
    )
  })
}
