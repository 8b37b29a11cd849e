/** Something that an operator can put right: the message says what is wrong and what to do, and needs no stack. */
export class OperatorError extends Error {
  override readonly name: string = 'OperatorError'
}
