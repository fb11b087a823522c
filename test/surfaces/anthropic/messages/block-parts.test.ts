import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import { toBlockParts, toJoinedText } from '../../../../src/surfaces/anthropic/messages/block-parts.ts'

const told = (block: { type: string, [member: string]: unknown }) => {
  const changes: Change[] = []
  const parts = toBlockParts(block, 'messages.0.content.1', changes)
  return [parts?.map(({ part, place }) => place === 'messages.0.content.1' ? part : { ...part, place }), changes.map(({ param, action }) => `${param} ${action}`)]
}
const text = (text: string) => ({ type: 'text', text })
const base64 = (mediaType: string) => ({ type: 'base64', media_type: mediaType, data: 'aGk=' })

for (const { name, given, parts, changes = [] } of [
  { name: 'text', given: { ...text('Hi'), cache_control: { type: 'ephemeral' }, citations: null }, parts: [text('Hi')] },
  { name: 'text that cites', given: { ...text('Hi'), citations: [{}] }, parts: [text('Hi')], changes: ['messages.0.content.1.citations dropped'] },
  { name: 'no text', given: text(''), parts: [] },
  { name: 'an image', given: { type: 'image', source: base64('image/png') }, parts: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] },
  { name: 'the URL of an image', given: { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }, parts: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] },
  { name: 'a document of text', given: { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'All.' }, title: 'T', context: 'C' }, parts: [text('Document: T\nContext: C\n\nAll.')], changes: ['messages.0.content.1 emulated'] },
  { name: 'a document that is cited', given: { type: 'document', source: { type: 'content', content: 'All.' }, citations: { enabled: true } }, parts: [text('Document:\n\nAll.')], changes: ['messages.0.content.1.citations dropped', 'messages.0.content.1 emulated'] },
  { name: 'a document of blocks', given: { type: 'document', source: { type: 'content', content: [text('a'), text('b')] } }, parts: [text('Document:'), { ...text('a'), place: 'messages.0.content.1.source.content.0' }, { ...text('b'), place: 'messages.0.content.1.source.content.1' }], changes: ['messages.0.content.1 emulated'] },
  { name: 'a text file', given: { type: 'document', source: base64('text/csv'), title: 'a.csv' }, parts: [{ type: 'file', file: { file_data: 'data:text/csv;base64,aGk=', filename: 'a.csv' } }] },
  { name: 'a search result', given: { type: 'search_result', source: 'https://example.com', title: 'T', content: [text('a'), text('b')] }, parts: [text('Search result: T\nSource: https://example.com\n\na\n\nb')], changes: ['messages.0.content.1 emulated'] },
  { name: 'a reference to a tool', given: { type: 'tool_reference', tool_name: 'f' }, parts: [text('Tool: f')] },
  { name: 'no part', given: { type: 'tool_use' }, parts: undefined }
]) t.strictSame(told(given), [parts, changes], name)

for (const [given, message] of [
  [{ type: 'document', source: base64('application/pdf') }, /^messages\.0\.content\.1\.source: PDF documents/],
  [{ type: 'document', source: base64('video/mp4') }, /^messages\.0\.content\.1\.source\.media_type: documents of type 'video\/mp4'/],
  [{ type: 'document', source: { type: 'url', url: 'https://x' } }, /^messages\.0\.content\.1\.source\.url: this proxy fetches no documents/],
  [{ type: 'document', source: { type: 'file', file_id: 'f' } }, /^messages\.0\.content\.1\.source\.file_id: this proxy stores no files/],
  [{ type: 'image', source: { type: 'file', file_id: 'f' } }, /^messages\.0\.content\.1\.source\.file_id: this proxy stores no files/]
] as const) t.throws(() => told(given), { message })

t.equal(toJoinedText(['a', 'b']), 'a\n\nb')
