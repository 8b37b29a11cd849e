import { aboutSetting, type Variable } from './settings.ts'
import type { Assignment } from './sources.ts'

const redacted = '[redacted]'

/** A value as it may be shown: never a secret, nor the password inside a URL. */
export function redact(variable: Variable, text: string): string {
  if (aboutSetting(variable).secret !== true) return text
  if (variable === 'MINTAGE_DATABASE_URL') return withoutPassword(text)
  return redacted
}

/** A database URL without its password, wherever in the URL that stands. */
export function withoutPassword(databaseUrl: string): string {
  if (databaseUrl.startsWith('sqlite:')) return databaseUrl
  if (!URL.canParse(databaseUrl)) return redacted
  const url = new URL(databaseUrl)
  if (url.password !== '') url.password = 'redacted'
  for (const name of url.searchParams.keys()) {
    if (/pass|secret|key|token/i.test(name)) url.searchParams.set(name, 'redacted')
  }
  return url.href
}

/** How a refused value is named. What lies in a file of its own may be a secret, and so may what a secret is set to. */
export function describeRefused(variable: Variable, { text, source }: Assignment, name: string): string {
  if (source.valueFile !== undefined) {
    return `${name} names a file with a bad value (${source.valueFile.replace(/\p{Cc}/gu, '\uFFFD')})`
  }
  if (text.startsWith('sqlite:')) return `${name} is ${quote(text)}`
  if (aboutSetting(variable).secret === true) {
    const scheme = /^[a-z]+:\/\//.exec(text)?.[0]
    return scheme === undefined
      ? `${name} has a value that is not shown`
      : `${name} is ${quote(`${scheme}…`)}`
  }
  return `${name} is ${quote(text.replace(/\/\/[^/?#]*@/, '//…@'))}`
}

/** The longest value that is repeated whole. */
const longestShown = 200

function quote(text: string): string {
  return text.length <= longestShown
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, longestShown))}… (${text.length} characters)`
}
