import type { IncomingMessage } from 'node:http'

/** Calls back with the body of a request once it is whole: an ASCII form, of any length. */
export function readForm(request: IncomingMessage, onForm: (form: string) => void): void {
  let form = ''
  request.setEncoding('latin1')
  request.on('data', (chunk: string) => {
    form += chunk
  })
  request.on('end', () => onForm(form))
}
