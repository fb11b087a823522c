import { toSpans, type Span } from './spans.ts'

export type Block =
  | { kind: 'heading', level: number, spans: Span[] }
  | { kind: 'paragraph', spans: Span[], isContinued: boolean }
  | { kind: 'code', language: string, text: string, isContinued: boolean }
  | List
  | { kind: 'quote', blocks: Block[] }
  | { kind: 'table', head: Span[][], rows: Span[][][] }
  | { kind: 'rule' }

export interface List {
  kind: 'list'
  isOrdered: boolean
  /** The number of its first item. */
  start: number
  items: ListItem[]
}

export interface ListItem {
  spans: Span[]
  /** Lists below it. */
  lists: List[]
}

/** How a text goes on from a part that was cut off before it. */
export interface Continued {
  /** The fence of the code block that is open, such as three backticks. */
  fence?: string
  isParagraph?: boolean
}

/** Lists that lie deeper are shown at this depth. */
const MAX_DEPTH = 6

const FENCE = /^ {0,3}(`{3,}|~{3,}) *([\w+#.-]*)/
const HEADING = /^ {0,3}(#{1,6}) +(.*?)(?: +#+)? *$/s
const RULE = /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/
const ITEM = /^( *)(?:[-*+]|(\d{1,9})[.)]) +(.*)$/s
const QUOTE = /^ {0,3}> ?/
const TABLE_RULE = /^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?\|? *$/

/** The blocks of a text whose end is the end of a block. HTML is text like any other. */
export function toBlocks (text: string, continued: Continued = {}): Block[] {
  const lines = text.split(/\r?\n/)
  const blocks: Block[] = []
  let index = 0
  if (continued.fence !== undefined) index = readCode(lines, 0, { fence: continued.fence, language: '', isContinued: true }, blocks)
  let isContinued = continued.isParagraph === true
  while (index < lines.length) {
    const line = lines[index] ?? ''
    if (line.trim() === '') {
      index += 1
      continue
    }
    index = readBlock(lines, index, isContinued, blocks)
    isContinued = false
  }
  return blocks
}

/** @returns the index of the line behind the block */
function readBlock (lines: readonly string[], index: number, isContinued: boolean, blocks: Block[]): number {
  const line = lines[index] ?? ''
  const [, fence, language] = FENCE.exec(line) ?? []
  if (fence !== undefined) return readCode(lines, index + 1, { fence, language: language ?? '', isContinued: false }, blocks)
  const [, marks, title] = HEADING.exec(line) ?? []
  if (marks !== undefined) {
    blocks.push({ kind: 'heading', level: marks.length, spans: toSpans(title ?? '') })
    return index + 1
  }
  if (RULE.test(line)) {
    blocks.push({ kind: 'rule' })
    return index + 1
  }
  if (QUOTE.test(line)) return readQuote(lines, index, blocks)
  if (ITEM.test(line)) return readList(lines, index, blocks)
  if (line.includes('|') && TABLE_RULE.test(lines[index + 1] ?? '')) return readTable(lines, index, blocks)
  return readParagraph(lines, index, isContinued, blocks)
}

interface CodeStart {
  fence: string
  language: string
  isContinued: boolean
}

function readCode (lines: readonly string[], start: number, { fence, language, isContinued }: CodeStart, blocks: Block[]): number {
  const found = lines.findIndex((line, at) => at >= start && closesFence(line, fence))
  const end = found < 0 ? lines.length : found
  blocks.push({ kind: 'code', language, text: lines.slice(start, end).join('\n'), isContinued })
  return end + 1
}

/** Whether a line ends the code block that the fence began. */
export function closesFence (line: string, fence: string): boolean {
  const text = line.trim()
  return text.startsWith(fence) && text === fence.charAt(0).repeat(text.length)
}

/** The fence that a line opens; undefined for any other line. */
export function openedFence (line: string): string | undefined {
  return FENCE.exec(line)?.[1]
}

function readQuote (lines: readonly string[], start: number, blocks: Block[]): number {
  const end = endOf(lines, start, line => QUOTE.test(line))
  blocks.push({ kind: 'quote', blocks: toBlocks(lines.slice(start, end).map(line => line.replace(QUOTE, '')).join('\n')) })
  return end
}

function readList (lines: readonly string[], start: number, blocks: Block[]): number {
  const items: ItemLine[] = []
  let index = start
  for (; index < lines.length; index++) {
    const line = lines[index] ?? ''
    const [, indent, number, text] = ITEM.exec(line) ?? []
    if (indent !== undefined) items.push({ indent: indent.length, number: number === undefined ? undefined : Number(number), text: text ?? '' })
    else if (/^ {2,}\S/.test(line)) (items.at(-1) as ItemLine).text += `\n${line.trim()}`
    else break
  }
  blocks.push(...toLists(items))
  return index
}

interface ItemLine {
  /** Spaces before its mark. */
  indent: number
  /** Undefined for one without a number. */
  number: number | undefined
  text: string
}

/** An item that is indented further than the first of its list belongs below the item before it. */
function toLists (items: readonly ItemLine[], depth = 0): List[] {
  const lists: List[] = []
  for (let index = 0; index < items.length;) {
    const { indent, number, text } = items[index] as ItemLine
    const isOver = (one: ItemLine, at: number) => at > index && (depth === MAX_DEPTH || one.indent <= indent + 1)
    const found = items.findIndex(isOver)
    const end = found < 0 ? items.length : found
    const last = lists.at(-1)
    const list = last && last.isOrdered === (number !== undefined) ? last : { kind: 'list' as const, isOrdered: number !== undefined, start: number ?? 1, items: [] }
    if (list !== last) lists.push(list)
    list.items.push({ spans: toSpans(text), lists: toLists(items.slice(index + 1, end), depth + 1) })
    index = end
  }
  return lists
}

function readTable (lines: readonly string[], start: number, blocks: Block[]): number {
  const end = endOf(lines, start + 2, line => line.includes('|'))
  const [head = [], ...rows] = [start, ...numbersBetween(start + 2, end)].map(at => toCells(lines[at] ?? ''))
  blocks.push({ kind: 'table', head, rows })
  return end
}

function toCells (line: string): Span[][] {
  return line.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map(cell => toSpans(cell.trim()))
}

function readParagraph (lines: readonly string[], start: number, isContinued: boolean, blocks: Block[]): number {
  const end = endOf(lines, start + 1, line => line.trim() !== '' && ![FENCE, HEADING, RULE, QUOTE, ITEM].some(form => form.test(line)))
  blocks.push({ kind: 'paragraph', spans: toSpans(lines.slice(start, end).join('\n').trim()), isContinued })
  return end
}

/** The first line from `start` on that the test does not take. */
function endOf (lines: readonly string[], start: number, test: (line: string) => boolean): number {
  let end = start
  while (end < lines.length && test(lines[end] ?? '')) end += 1
  return end
}

function numbersBetween (start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index)
}
