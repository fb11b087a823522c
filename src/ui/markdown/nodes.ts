import type { Block, List } from './blocks.ts'
import type { Span } from './spans.ts'

/** Blocks as nodes of the document. Text becomes text nodes and nothing else; no HTML is ever parsed. */
export function toNodes (blocks: readonly Block[]): HTMLElement[] {
  return blocks.map(toNode)
}

function toNode (block: Block): HTMLElement {
  switch (block.kind) {
    // The page has its own first headings.
    case 'heading': return element(`h${Math.min(block.level + 2, 6)}`, inline(block.spans))
    case 'paragraph': return continued(element('p', inline(block.spans)), block.isContinued)
    case 'code': return continued(element('pre', [element('code', [document.createTextNode(block.text)])]), block.isContinued)
    case 'quote': return element('blockquote', toNodes(block.blocks))
    case 'rule': return element('hr')
    case 'list': return toList(block)
    case 'table': return toTable(block)
  }
}

function toList ({ isOrdered, start, items }: List): HTMLElement {
  const list = element(isOrdered ? 'ol' : 'ul', items.map(({ spans, lists }) => element('li', [...inline(spans), ...lists.map(toList)])))
  if (start !== 1) list.setAttribute('start', String(start))
  return list
}

function toTable ({ head, rows }: Extract<Block, { kind: 'table' }>): HTMLElement {
  const toRow = (cells: Span[][], name: string) => element('tr', cells.map(cell => element(name, inline(cell))))
  const table = element('table', [element('thead', [toRow(head, 'th')]), element('tbody', rows.map(row => toRow(row, 'td')))])
  const frame = element('div', [table])
  frame.className = 'scroll'
  frame.tabIndex = 0
  return frame
}

function inline (spans: readonly Span[]): Node[] {
  return spans.map(toInlineNode)
}

function toInlineNode (span: Span): Node {
  switch (span.kind) {
    case 'text': return document.createTextNode(span.text)
    case 'code': return element('code', [document.createTextNode(span.text)])
    case 'strong': return element('strong', inline(span.spans))
    case 'emphasis': return element('em', inline(span.spans))
    case 'deleted': return element('del', inline(span.spans))
    case 'break': return element('br')
    case 'link': return toLink(span)
  }
}

function toLink ({ url, spans }: Extract<Span, { kind: 'link' }>): HTMLElement {
  const link = element('a', inline(spans)) as HTMLAnchorElement
  link.href = url
  link.rel = 'noopener noreferrer'
  link.target = '_blank'
  return link
}

function continued (node: HTMLElement, isContinued: boolean): HTMLElement {
  if (isContinued) node.classList.add('continued')
  return node
}

function element (name: string, children: readonly Node[] = []): HTMLElement {
  const node = document.createElement(name)
  node.append(...children)
  return node
}
