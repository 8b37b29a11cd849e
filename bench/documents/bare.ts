/**
 * The same bytes from `node:http` alone: it answers each request with what Mintage answered to it once. Started by
 * the benchmark as `bare.js PORT ANSWERS`, a JSON file.
 */
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { readForm } from '../bare/form.ts'
import type { DocumentAnswer } from './phase.ts'

const [port, path = ''] = process.argv.slice(2)
const answers: Readonly<Record<string, DocumentAnswer>> = JSON.parse(readFileSync(path, 'utf8'))

function send(response: ServerResponse, { status, headers, body }: DocumentAnswer): void {
  response.writeHead(status, headers)
  response.end(body)
}

process.on('SIGTERM', () => process.exit(0))
createServer((request, response) => {
  if (request.method === 'GET') {
    const answer = answers[request.url ?? '']
    send(response, answer ?? { status: 404, headers: { 'Content-Length': '0' }, body: '' })
    return
  }
  readForm(request, (form) => {
    const answer = answers[form]
    // What the benchmark asks of every server before it begins.
    send(response, answer ?? { status: 200, headers: { 'Content-Length': '2' }, body: '{}' })
  })
}).listen(Number(port), '127.0.0.1')
