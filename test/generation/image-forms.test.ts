import t from 'tap'
import type { Message, UserPart } from '../../src/generation/request.ts'
import { toImage, toImages, withImageUrls } from '../../src/generation/image-forms.ts'

const PATH = 'messages[0].content[1]'

t.test('an image is read in the words of several APIs', t => {
  const cases: Array<{ name: string, given: object, expected: { url: string, detail?: string, member: string } | undefined }> = [
    { name: 'OpenAI\'s chat', given: { type: 'image_url', image_url: { url: 'data:1', detail: 'low' } }, expected: { url: 'data:1', detail: 'low', member: '.image_url.url' } },
    { name: 'a detail of null', given: { type: 'image_url', image_url: { url: 'data:1', detail: null } }, expected: { url: 'data:1', member: '.image_url.url' } },
    { name: 'the URL alone, as Mistral\'s API has it', given: { type: 'image_url', image_url: 'data:1' }, expected: { url: 'data:1', member: '.image_url' } },
    { name: 'OpenAI\'s responses', given: { type: 'input_image', image_url: 'data:1', detail: 'high' }, expected: { url: 'data:1', detail: 'high', member: '.image_url' } },
    { name: 'Anthropic\'s messages', given: { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }, expected: { url: 'data:image/png;base64,AAAA', member: '.source.data' } },
    { name: 'Anthropic\'s, by URL', given: { type: 'image', source: { type: 'url', url: 'https://x' } }, expected: { url: 'https://x', member: '.source.url' } },
    { name: 'MCP', given: { type: 'image', mimeType: 'image/png', data: 'AAAA' }, expected: { url: 'data:image/png;base64,AAAA', member: '.data' } },
    { name: 'LangChain', given: { type: 'image', mime_type: 'image/png', base64: 'AAAA' }, expected: { url: 'data:image/png;base64,AAAA', member: '.base64' } },
    { name: 'LangChain, by URL', given: { type: 'image', source_type: 'url', mime_type: 'image/png', url: 'https://x' }, expected: { url: 'https://x', member: '.url' } },
    { name: 'no type', given: { type: 'image', image: 'AAAA' }, expected: { url: 'AAAA', member: '.image' } },
    { name: 'an image that is not there', given: { type: 'image' }, expected: undefined },
    { name: 'a stored file', given: { type: 'input_image', file_id: 'file-1' }, expected: undefined },
    { name: 'a text', given: { type: 'text', text: 'data:1' }, expected: undefined }
  ]
  for (const { name, given, expected } of cases) {
    const { member, ...image } = expected ?? { member: '' }
    t.strictSame(toImage(given, PATH), expected && { ...image, path: PATH, param: PATH + member }, name)
  }
  t.end()
})

const image = (url: string): UserPart => ({ type: 'image_url', image_url: { url } })
const conversation: Message[] = [
  { role: 'system', content: 'Look.' },
  { role: 'user', content: [{ type: 'text', text: 'a' }, image('https://1')] },
  { role: 'assistant', content: 'A cat.' },
  { role: 'user', content: 'And this?', images: ['https://2', { type: 'image_url', image_url: { url: 'https://3' } }] } as Message,
  { role: 'user', content: null },
  { role: 'tool', tool_call_id: 'a', content: [image('https://4')] }
]

t.test('the images of a conversation are found where they are', t => {
  t.strictSame(toImages(conversation).map(({ url, param }) => [url, param]), [
    ['https://1', 'messages[1].content[1].image_url.url'],
    ['https://2', 'messages[3].images[0]'],
    ['https://3', 'messages[3].images[1].image_url.url'],
    ['https://4', 'messages[5].content[0].image_url.url']
  ])
  t.end()
})

t.test('and are had from elsewhere', t => {
  const urls = new Map(toImages(conversation).map(({ url, param }) => [param, url.replace('https://', 'data:')]))
  const other = withImageUrls(conversation, urls)
  t.strictSame(toImages(other).map(({ url }) => url), ['data:1', 'data:2', 'data:3', 'data:4'])
  t.strictSame([other[0], other[2]], [conversation[0], conversation[2]], 'what has none stays')
  t.strictSame(toImages(withImageUrls(conversation, new Map())).map(({ url }) => url), ['https://1', 'https://2', 'https://3', 'https://4'])
  t.end()
})
