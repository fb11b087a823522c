/** A part of a line. */
export type Span =
  | { kind: 'text', text: string }
  | { kind: 'code', text: string }
  | { kind: 'strong' | 'emphasis' | 'deleted', spans: Span[] }
  | { kind: 'link', url: string, spans: Span[] }
  | { kind: 'break' }

interface Found {
  span: Span
  /** Behind it. */
  end: number
}

const MARKS = [
  { mark: '**', kind: 'strong' },
  { mark: '__', kind: 'strong' },
  { mark: '~~', kind: 'deleted' },
  { mark: '*', kind: 'emphasis' },
  { mark: '_', kind: 'emphasis' }
] as const

/** Beyond it nothing is looked for: what nests so deep is no text for people. */
const MAX_DEPTH = 6

/** The emphasis, code and links of a paragraph. An image is a link: the page loads nothing that a model names. */
export function toSpans (text: string, depth = 0): Span[] {
  const spans: Span[] = []
  let plain = 0
  const flush = (end: number) => { if (end > plain) spans.push({ kind: 'text', text: unescaped(text.slice(plain, end)) }) }
  for (let index = 0; index < text.length;) {
    if (text[index] === '\\') {
      index += 2
      continue
    }
    const found = depth > MAX_DEPTH ? undefined : findSpan(text, index, depth)
    if (found === undefined) {
      index += 1
      continue
    }
    flush(index)
    spans.push(found.span)
    index = plain = found.end
  }
  flush(text.length)
  return spans
}

function findSpan (text: string, index: number, depth: number): Found | undefined {
  switch (text[index]) {
    case '\n': return { span: { kind: 'break' }, end: index + 1 }
    case '`': return findCode(text, index)
    case '!': return text[index + 1] === '[' ? findLink(text, index + 1, depth) : undefined
    case '[': return findLink(text, index, depth)
    case 'h': return findAddress(text, index)
    case '*': case '_': case '~': return findMarked(text, index, depth)
    default: return undefined
  }
}

function findCode (text: string, index: number): Found | undefined {
  const [ticks = ''] = /^`+/.exec(text.slice(index, index + 8)) ?? []
  const start = index + ticks.length
  const end = text.indexOf(ticks, start)
  if (end < 0) return undefined
  const code = text.slice(start, end)
  return { span: { kind: 'code', text: /^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code }, end: end + ticks.length }
}

function findMarked (text: string, index: number, depth: number): Found | undefined {
  const found = MARKS.find(({ mark }) => text.startsWith(mark, index))
  if (found === undefined) return undefined
  const { mark, kind } = found
  // `snake_case` and `2 * 3` are no emphasis.
  if (mark.startsWith('_') && /\w/.test(text[index - 1] ?? '')) return undefined
  const start = index + mark.length
  if (/^\s?$/.test(text[start] ?? '')) return undefined
  const end = findClosing(text, start, mark)
  return end === undefined ? undefined : { span: { kind, spans: toSpans(text.slice(start, end), depth + 1) }, end: end + mark.length }
}

function findClosing (text: string, start: number, mark: string): number | undefined {
  for (let end = text.indexOf(mark, start + 1); end > 0; end = text.indexOf(mark, end + mark.length)) {
    // `**` inside of `*…*` opens or ends something else.
    if (mark.length === 1 && text[end + 1] === mark) {
      end += 1
      continue
    }
    // Of three marks in a row the last two end what is outside.
    while (mark.length === 2 && text[end + 2] === mark[0]) end += 1
    if (/\s/.test(text[end - 1] ?? '') || (mark.startsWith('_') && /\w/.test(text[end + mark.length] ?? ''))) continue
    return end
  }
  return undefined
}

function findLink (text: string, index: number, depth: number): Found | undefined {
  const middle = text.indexOf('](', index)
  if (middle < 0 || text.slice(index, middle).includes('\n')) return undefined
  const [whole, url] = /^\]\((https?:\/\/[^\s()<>"]*(?:\([^\s()<>"]*\)[^\s()<>"]*)*)(?: "[^"\n]*")?\)/.exec(text.slice(middle, middle + 2_000)) ?? []
  if (whole === undefined || url === undefined || !isWebAddress(url)) return undefined
  const label = text.slice(index + 1, middle)
  return { span: { kind: 'link', url, spans: label === '' ? [{ kind: 'text', text: url }] : toSpans(label, depth + 1) }, end: middle + whole.length }
}

/** `https://example.com/a`, without the full stop that ends a sentence. */
function findAddress (text: string, index: number): Found | undefined {
  if (/\w/.test(text[index - 1] ?? '') || !/^https?:\/\//.test(text.slice(index, index + 8))) return undefined
  const [url = ''] = /^[^\s<>"`*]*[^\s<>"`*.,;:!?)\]}']/.exec(text.slice(index, index + 2_000)) ?? []
  return isWebAddress(url) ? { span: { kind: 'link', url, spans: [{ kind: 'text', text: url }] }, end: index + url.length } : undefined
}

function isWebAddress (url: string): boolean {
  return URL.canParse(url) && ['https:', 'http:'].includes(new URL(url).protocol)
}

function unescaped (text: string): string {
  return text.replace(/\\([\\`*_{}[\]()#+\-.!~|>])/g, '$1')
}
