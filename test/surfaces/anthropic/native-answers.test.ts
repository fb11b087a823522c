import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import type { MessageObject } from '../../../src/surfaces/anthropic/messages/wire.ts'
import { startRecordedUpstream, type Answer } from '../../servers/recorded-upstream.ts'
import { startProxy } from '../../servers/start-proxy.ts'
import { readMessageStream, sendMessage } from '../../streams/message-stream.ts'

const FOLDER = new URL('../../fixtures/native/', import.meta.url)

/** What is read of a fixture: what a chat is told for its bytes, in OpenAI's words. */
interface Fixture {
  about: string
  model: string
  status?: number
  contentType?: string
  request?: Record<string, unknown>
  expected: {
    message?: { content?: string | null, reasoning_content?: string, tool_calls?: Array<{ function: { name: string, arguments: string } }> }
    finish_reason?: string
    usage?: { prompt_tokens?: number, completion_tokens?: number }
    error?: { status: number | 'stream' }
  }
}

/** Members of a chat request that the Messages API has by other names. */
const MEMBERS: Record<string, (value: any) => object> = {
  tools: tools => ({ tools: tools.map(({ function: { name, description, parameters } }: any) => ({ name, ...(description && { description }), input_schema: parameters ?? { type: 'object' } })) }),
  stop: stop => ({ stop_sequences: [stop].flat() }),
  max_tokens: limit => ({ max_tokens: limit })
}

const REASONS: Record<string, string> = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' }

/** What is the same for every API: the mending of calls and of JSON, and what Cloudflare's codes mean. */
const OF_EVERY_API = ['errors', 'json-mode', 'tool-leaks']

const fixtures = readdirSync(FOLDER).filter(folder => !OF_EVERY_API.includes(folder)).flatMap(folder => readdirSync(new URL(`${folder}/`, FOLDER))
  .filter(file => file.endsWith('.expected.json'))
  .map(file => `${folder}/${file.replace('.expected.json', '')}`))

/** What was said, whatever its order, and what was called. */
function toSaid ({ content }: Pick<MessageObject, 'content'>): object {
  const join = (type: 'text' | 'thinking') => content.map(block => block.type === type ? (block as any)[type] as string : '').join('')
  return { text: join('text'), thinking: join('thinking'), calls: content.flatMap(block => block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : []) }
}

function toInput (json: string): unknown {
  try {
    const input: unknown = JSON.parse(json)
    return typeof input === 'object' && input !== null && !Array.isArray(input) ? input : undefined
  } catch {
    return undefined
  }
}

t.test('every recorded answer of Cloudflare is told in a stream that keeps the grammar', async t => {
  let answer: Answer = { body: '' }
  const upstream = await startRecordedUpstream(t, () => answer)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, MAX_RETRIES: '0' })
  let count = 0
  for (const name of fixtures) {
    const { about, model, status, contentType, request = {}, expected }: Fixture = JSON.parse(readFileSync(new URL(`${name}.expected.json`, FOLDER), 'utf8'))
    const file = [`${name}.sse`, `${name}.json`, ...['html', 'txt'].map(ending => `${name}.${ending}`)].find(file => readdirSync(new URL('.', new URL(file, FOLDER))).includes(file.split('/')[1] as string))
    // Where a second request is answered otherwise, both are a chat's business.
    const isAskedAgain = existsSync(new URL(`${name}.plain.json`, FOLDER))
    if (file === undefined || isAskedAgain || !Object.keys(request).every(member => member in MEMBERS)) continue
    count++
    const isStream = file.endsWith('.sse')
    answer = { body: readFileSync(new URL(file, FOLDER)), contentType: contentType ?? (isStream ? 'text/event-stream' : 'application/json'), ...(status !== undefined && { status }) }
    const asked = Object.assign({ model, max_tokens: 20_000, messages: [{ role: 'user', content: 'Hello?' }] }, ...Object.entries(request).map(([member, value]) => MEMBERS[member]?.(value)))
    const response = await sendMessage(proxy, { ...asked, stream: true })
    if (expected.error !== undefined && expected.error.status !== 'stream') {
      t.ok(response.status >= 400, `${name}: ${about}`)
      t.match(await response.json(), { type: 'error', error: { type: String, message: String } })
      continue
    }
    const stream = readMessageStream(await response.text())
    t.strictSame(stream.complaints, [], `${name}: ${about}`)
    t.equal(stream.error !== undefined, expected.error !== undefined, 'it fails where a chat does')
    const { content, reasoning_content: reasoning = '', tool_calls: calls = [] } = expected.message ?? {}
    const wanted = calls.map(({ function: { name, arguments: json } }) => ({ name, input: toInput(json) }))
    if (stream.error === undefined && wanted.every(({ input }) => input !== undefined)) {
      t.strictSame(toSaid(stream.message as MessageObject), { text: content ?? '', thinking: reasoning, calls: wanted }, 'it says the same')
    }
    if (expected.finish_reason !== undefined && request['stop'] === undefined) t.equal(stream.message?.stop_reason, REASONS[expected.finish_reason])
    if (expected.usage?.prompt_tokens !== undefined) t.equal((stream.message?.usage.input_tokens ?? 0) + (stream.message?.usage.cache_read_input_tokens ?? 0), expected.usage.prompt_tokens)
    // Input that was cut off is told as far as it goes, and as far as it can be read.
    if (isStream || stream.error !== undefined || wanted.some(({ input }) => input === undefined)) continue
    const plain = await (await sendMessage(proxy, asked)).json() as MessageObject
    t.strictSame(toSaid(plain), toSaid(stream.message as MessageObject), 'plain and streamed are the same')
    t.equal(plain.stop_reason, stream.message?.stop_reason)
  }
  t.ok(count > 50, `${count} answers`)
})
