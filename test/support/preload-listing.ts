import { type Debugger, Session } from 'node:inspector'

/** For `node --import`: on SIGUSR2 the process writes to stderr, as a line of JSON, what code it has loaded by then. */
export interface LoadedCode {
  /** URL or path, `node:` for what Node has built in. */
  readonly url: string
  /** Characters. */
  readonly length: number
}

process.on('SIGUSR2', () => {
  const loaded: LoadedCode[] = []
  const session = new Session()
  session.connect()
  // Asked to debug, V8 first tells of every script that it has already.
  session.on(
    'Debugger.scriptParsed',
    ({ params }: { readonly params: Debugger.ScriptParsedEventDataType }) => {
      loaded.push({ url: params.url, length: params.length ?? 0 })
    },
  )
  session.post('Debugger.enable')
  session.disconnect()
  process.stderr.write(`${JSON.stringify({ loaded })}\n`)
})
