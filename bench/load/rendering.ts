import type { RequestTemplate } from '../subjects/subject.ts'

const placeholder = '{refresh_token}'

/** All that stays the same is rendered once; what is returned renders the request that presents a refresh token. */
export function renderRequest(
  port: number,
  { method = 'POST', path, headers, body }: RequestTemplate,
): (refreshToken: string) => string {
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ].join('\r\n')
  if (method === 'GET') return () => `${head}\r\n\r\n`
  const at = body.indexOf(placeholder)
  const [before, after] = at === -1 ? [body, ''] : [body.slice(0, at), body.slice(at + placeholder.length)]
  const isJson = /^application\/json\b/.test(headers['Content-Type'] ?? '')
  const encode = (token: string) => (isJson ? JSON.stringify(token).slice(1, -1) : encodeURIComponent(token))
  return (refreshToken) => {
    const whole = at === -1 ? before : `${before}${encode(refreshToken)}${after}`
    return `${head}\r\nContent-Length: ${whole.length}\r\n\r\n${whole}`
  }
}
