import OpenAI from 'openai'
import t from 'tap'
import { NativeFrames } from '../../../src/http/replies/native-frames.ts'
import { startRecordedUpstream, toEvents } from '../../servers/recorded-upstream.ts'
import { API_TOKEN, ask, GLM, GPT_OSS, KIMI, LLAMA, post, saying, startProxy, toChunks } from '../../servers/start-proxy.ts'

const FRAMES = { headers: { 'x-native-frames': 'true' } }

/** What a stream tells of native frames. */
function framesOf (stream: string): string[] {
  return stream.split('\n\n').filter(block => block.startsWith(': native ')).map(block => block.slice(': native '.length))
}

/** Without what differs from answer to answer. */
function withoutIdentity (stream: string): string {
  return stream.replaceAll(/"(?:id|item_id|response_id|created|created_at|completed_at|fingerprint|system_fingerprint|obfuscation|prompt_cache_key)":(?:"[^"]*"|[\d.]+)/g, '"":0')
    .split('\n\n').filter(block => !block.startsWith(':')).join('\n\n')
}

const messages = [{ role: 'user', content: 'say one two three' }]
const ENDPOINTS = [
  { path: '/v1/chat/completions', body: { messages } },
  { path: '/v1/completions', body: { prompt: 'say one two three' } },
  { path: '/v1/responses', body: { input: 'say one two three', store: false } },
  { path: '/v1/messages', body: { messages, max_tokens: 100 } }
]

for (const { path, body } of ENDPOINTS) {
  t.test(`a stream of ${path} tells the native frames before their chunks, on request`, async t => {
    const proxy = await startProxy(t)
    for (const model of [LLAMA, GLM, KIMI, GPT_OSS]) {
      const asked = { ...body, model, stream: true }
      const told = await (await post(proxy, path, asked, FRAMES)).text()
      const plain = await (await post(proxy, path, asked)).text()
      const frames = framesOf(told)
      t.ok(frames.length >= 1, model)
      for (const frame of frames) if (frame !== '[DONE]') t.type(JSON.parse(frame), 'object')
      t.strictSame(framesOf(plain), [], 'nobody else is told any')
      t.equal(withoutIdentity(told), withoutIdentity(plain), `${model}: the answer is the same`)
      t.ok(told.indexOf('three') < told.lastIndexOf('three'), 'its text stands in a frame first')
      t.match(told.split('\n\n').find(block => block.includes('three')), /^: native /)
    }
  })
}

t.test('clients skip them', async t => {
  const proxy = await startProxy(t)
  const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'none', defaultHeaders: { 'x-native-frames': 'true' }, maxRetries: 0 })
  const chat = await client.chat.completions.create({ model: LLAMA, stream: true, messages: [{ role: 'user', content: 'say one two three' }] })
  let text = ''
  for await (const chunk of chat) text += chunk.choices[0]?.delta.content ?? ''
  t.equal(text, 'one two three')
  const responses = await client.responses.create({ model: LLAMA, stream: true, input: 'say one two three' })
  let last: string | undefined
  for await (const event of responses) last = event.type === 'response.completed' ? event.response.output_text ?? JSON.stringify(event.response.output) : last
  t.match(last, 'one two three')
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }]
  const called = await client.chat.completions.create({ model: LLAMA, stream: true, tools, tool_choice: 'required', messages: [{ role: 'user', content: 'call weather' }] })
  let name = ''
  for await (const chunk of called) name += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.name ?? ''
  t.equal(name, 'weather')
})

t.test('no credential is in them, whatever comes', async t => {
  const upstream = await startRecordedUpstream(t, [toEvents({ response: `the token is ${API_TOKEN}` }, { response: ' and no more' })])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  const stream = await (await ask(proxy, saying('hi', { stream: true }), FRAMES)).text()
  t.ok(framesOf(stream).length >= 2)
  t.notMatch(framesOf(stream).join(), API_TOKEN)
  t.match(framesOf(stream)[0], '[redacted]')
})

t.test('a stream that breaks has told what came, and ends as ever', async t => {
  const proxy = await startProxy(t)
  const stream = await (await ask(proxy, saying('break after 3 frames, say 10 words', { stream: true }), FRAMES)).text()
  t.equal(framesOf(stream).length, 3)
  t.match(toChunks(stream).at(-1), { error: { code: 'upstream_truncated' } })
  const refused = await ask(proxy, saying('fail with code 4006', { stream: true }), FRAMES)
  t.equal(refused.status, 429)
  t.notMatch(await refused.text(), 'native')
})

t.test('an answer that is no stream tells that it has no place for them', async t => {
  const proxy = await startProxy(t)
  const plain = await ask(proxy, saying('say hi'), FRAMES)
  t.equal(plain.headers.get('x-proxy-warnings'), 'x-native-frames dropped')
  for (const value of ['false', '1', '']) t.equal((await ask(proxy, saying('say hi'), { headers: { 'x-native-frames': value } })).headers.get('x-proxy-warnings'), null)
  const [asked, not] = await Promise.all([FRAMES.headers, {}].map(async headers => await (await ask(proxy, saying('say hi'), { headers: { ...headers, 'x-dry-run': 'true' } })).json()))
  t.same(asked, not, 'a dry run is the same')
  const streamed = await ask(proxy, saying('say hi', { stream: true }), { headers: { ...FRAMES.headers, 'x-dry-run': 'true' } })
  t.notMatch(await streamed.text(), ': native')
})

t.test('a client that leaves ends the call, and several choices tell theirs', async t => {
  const proxy = await startProxy(t)
  const left = new AbortController()
  const response = await ask(proxy, saying('stall after 3 frames, say 10 words', { stream: true }), { ...FRAMES, signal: left.signal })
  await response.body?.getReader().read()
  left.abort()
  const both = await (await ask(proxy, saying('say one two', { stream: true, n: 2 }), FRAMES)).text()
  t.ok(framesOf(both).filter(frame => frame.includes('two')).length >= 2)
  t.match(both, /data: \[DONE\]\n\n$/)
})

t.test('what comes before the stream begins is told first, and a frame is one line', t => {
  const frames = new NativeFrames()
  const sent: string[] = []
  frames.write('a')
  frames.write('b\n\ndata: c\r\nd')
  frames.connect(text => { sent.push(String(text)); return undefined })
  frames.write('e')
  t.strictSame(sent, [': native a\n\n: native b data: c d\n\n', ': native e\n\n'])
  t.end()
})
