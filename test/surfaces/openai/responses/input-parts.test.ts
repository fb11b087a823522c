import t from 'tap'
import type { GivenInputPart } from '../../../../src/surfaces/openai/responses/request.ts'
import { toInputPart } from '../../../../src/surfaces/openai/responses/input-parts.ts'

const PNG = 'data:image/png;base64,iVBORw0KGgo='

const cases: Array<{ name: string, given: object, expected: object | undefined }> = [
  { name: 'a chat\'s image', given: { type: 'image_url', image_url: { url: PNG, detail: 'low' } }, expected: { type: 'input_image', image_url: PNG, detail: 'low' } },
  { name: 'an image by its URL alone', given: { type: 'image_url', image_url: PNG }, expected: { type: 'input_image', image_url: PNG, detail: 'auto' } },
  { name: 'MCP\'s image', given: { type: 'image', mimeType: 'image/png', data: 'iVBORw0KGgo=' }, expected: { type: 'input_image', image_url: PNG, detail: 'auto' } },
  { name: 'an image that is not there', given: { type: 'image' }, expected: undefined },
  { name: 'a chat\'s file', given: { type: 'file', file: { filename: 'a.txt', file_data: 'aGk=' } }, expected: { type: 'input_file', filename: 'a.txt', file_data: 'aGk=' } },
  { name: 'a file in its URL', given: { type: 'input_file', filename: 'a.txt', file_url: 'data:text/plain;base64,aGk=' }, expected: { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,aGk=' } },
  { name: 'a sound', given: { type: 'input_audio', input_audio: {} }, expected: undefined }
]
for (const { name, given, expected } of cases) t.strictSame(toInputPart(given as GivenInputPart), expected, name)

for (const own of [
  { type: 'input_text', text: 'a' },
  { type: 'output_text', text: 'a' },
  { type: 'refusal', refusal: 'a' },
  { type: 'input_image', image_url: PNG },
  { type: 'input_file', file_url: 'https://example.com/a.txt' },
  { type: 'input_file', file_data: 'aGk=', file_url: 'data:text/plain,hi' }
]) t.equal(toInputPart(own as GivenInputPart), own, `${own.type} stays as it is`)
