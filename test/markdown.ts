/** The targets of the links in a page, as written; not those in code. */
export function findLinks(page: string): readonly string[] {
  const prose = withoutBlocks(page).replaceAll(/`[^`]*`/g, '``')
  return [...prose.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
}

/** What a `#fragment` may name: the headings, as GitHub makes anchors of them. */
export function findAnchors(page: string): ReadonlySet<string> {
  const headings = [...withoutBlocks(page).matchAll(/^#+ (.+)$/gm)]
  return new Set(headings.map((match) => toAnchor(match[1] ?? '')))
}

/** The fenced blocks of a language, without their fences. */
export function findBlocks(page: string, language: string): readonly string[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '')
}

/** The cells of every row of every table, head rows too. */
export function findRows(page: string): readonly (readonly string[])[] {
  return [...page.matchAll(/^\| (.*) \|$/gm)].map((match) =>
    (match[1] ?? '').split(' | ').map((cell) => cell.trim()),
  )
}

function withoutBlocks(page: string): string {
  return page.replaceAll(/^```.*?^```$/gms, '').replaceAll(/^ {4}.*$/gm, '')
}

function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-')
}
