import { quoted } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { UserPart } from '../../../generation/request.ts'
import { reportUnread } from '../../../generation/unread-members.ts'
import { invalidAt } from './invalid-at.ts'
import type { DocumentBlock, ImageBlock, ResultBlock, SearchResultBlock } from './request.ts'

/** A part of a message in the language of requests, and where its block stands in the caller's request. */
export interface PlacedPart {
  part: UserPart
  place: string
}

type PartBlock = ResultBlock | { type: string }

/** Hints at what to cache, of which Workers AI needs none, and text that the caller has cited from nowhere. */
const TEXT = new Set(['type', 'text', 'cache_control'])
const IMAGE = new Set(['type', 'source', 'cache_control'])
const DOCUMENT = new Set(['type', 'source', 'title', 'context', 'cache_control'])
const SEARCH_RESULT = new Set(['type', 'source', 'title', 'content', 'cache_control'])
const TOOL_REFERENCE = new Set(['type', 'tool_name', 'cache_control'])

const NO_FILES = 'this proxy stores no files. Send what the file holds.'

/**
 * The parts a block becomes: one for most, none for empty text, several for a document of blocks.
 * @returns undefined for a block that is no part of what somebody says
 * @throws InvalidRequestError naming what cannot be told to a model
 */
export function toBlockParts (block: PartBlock, place: string, changes: Change[]): PlacedPart[] | undefined {
  const placed = (text: string): PlacedPart[] => text === '' ? [] : [{ part: { type: 'text', text }, place }]
  if (!isPart(block)) return undefined
  switch (block.type) {
    case 'text':
      reportUnread(block, TEXT, place, changes)
      return placed(block.text)
    case 'image':
      reportUnread(block, IMAGE, place, changes)
      return [{ part: toImagePart(block, place), place }]
    case 'document':
      reportUnread(block, DOCUMENT, place, changes)
      return toDocumentParts(block, place, changes)
    case 'search_result':
      reportUnread(block, SEARCH_RESULT, place, changes)
      changes.push({ param: place, action: 'emulated', reason: 'a search result is sent as text' })
      return placed(toSearchText(block))
    case 'tool_reference':
      reportUnread(block, TOOL_REFERENCE, place, changes)
      return placed(`Tool: ${block.tool_name}`)
  }
}

/** Texts apart from each other where they become one. */
export function toJoinedText (texts: readonly string[]): string {
  return texts.join('\n\n')
}

const PARTS = new Set(['text', 'image', 'document', 'search_result', 'tool_reference'])

function isPart (block: PartBlock): block is ResultBlock {
  return PARTS.has(block.type)
}

function toImagePart ({ source }: ImageBlock, place: string): UserPart {
  switch (source.type) {
    case 'base64': return { type: 'image_url', image_url: { url: `data:${source.media_type};base64,${source.data}` } }
    case 'url': return { type: 'image_url', image_url: { url: source.url } }
    case 'file': throw invalidAt(`${place}.source.file_id`, NO_FILES)
  }
}

function toDocumentParts ({ source, title, context }: DocumentBlock, place: string, changes: Change[]): PlacedPart[] {
  const head = [title == null ? 'Document:' : `Document: ${title}`, ...(context == null ? [] : [`Context: ${context}`])].join('\n')
  const told = (text: string): PlacedPart => ({ part: { type: 'text', text: `${head}\n\n${text}` }, place })
  switch (source.type) {
    case 'text':
      changes.push({ param: place, action: 'emulated', reason: 'Workers AI takes no documents; the text of this one is sent' })
      return [told(source.data)]
    case 'content': {
      changes.push({ param: place, action: 'emulated', reason: 'Workers AI takes no documents; the content of this one is sent' })
      if (typeof source.content === 'string') return [told(source.content)]
      const parts = source.content.flatMap((block, index) => toBlockParts(block, `${place}.source.content.${index}`, changes) ?? [])
      return [{ part: { type: 'text', text: head }, place }, ...parts]
    }
    case 'base64': {
      const { media_type: type, data } = source
      if (type === 'application/pdf') throw invalidAt(`${place}.source`, "PDF documents cannot be read here. Send their text as a document with a source of type 'text', or their pages as images.")
      if (!/^(?:text\/|application\/(?:json|xml|.*\+(?:json|xml)))/i.test(type)) throw invalidAt(`${place}.source.media_type`, `documents of type '${quoted(type.slice(0, 100))}' cannot be read here. Send their text.`)
      return [{ part: { type: 'file', file: { file_data: `data:${type};base64,${data}`, ...(title != null && { filename: title }) } }, place }]
    }
    case 'url': throw invalidAt(`${place}.source.url`, "this proxy fetches no documents. Send the text as a document with a source of type 'text'.")
    case 'file': throw invalidAt(`${place}.source.file_id`, NO_FILES)
  }
}

function toSearchText ({ source, title, content }: SearchResultBlock): string {
  return [`Search result: ${title}\nSource: ${source}`, ...content.map(({ text }) => text)].join('\n\n')
}
