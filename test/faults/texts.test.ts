import t from 'tap'
import { assembled, readChatStream } from '../streams/chat-stream.ts'
import { ask, GLM, LLAMA, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { chunk, frames, json, LAST_CHUNK, startRawUpstream, STREAM_HEAD, wantsStream, type Step } from '../servers/raw-upstream.ts'

/** Texts that somebody on their way might take for something else. */
const TEXTS: Record<string, string> = {
  'every kind of escape': 'quote " backslash \\ slash / tab \t bell \b feed \f \u0001\u001f\u007f',
  'escapes that were written out': '\\n \\u0041 \\ud83d \\" \\\\',
  'line breaks of all sorts': 'a\nb\r\nc\rd\u2028e\u2029f\u0085g\u000bh\u000ci',
  'an event of its own': 'a\n\ndata: {"response":"b"}\n\ndata: [DONE]\n\n',
  'fields of events': 'event: error\nid: 1\nretry: 1\n: comment\ndata',
  'the end of a stream': '[DONE]',
  'the end of a body': '\r\n0\r\n\r\n',
  'an answer of HTTP': 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
  JSON: '{"error":{"message":"no"},"success":false,"response":"x","tool_calls":[]}',
  'characters of two, three and four bytes': 'é 漢 🙂 👩‍👩‍👧 \u{10ffff}',
  'marks of order and direction': '\ufeffa\u200bb\u202ec\ufffe',
  'a NUL': 'a\u0000b',
  numbers: '007 1.10 1e999 -0 [^1]',
  markup: '<script>alert(1)</script> &amp; <!-- --> </s> <|im_end|>',
  'names that JavaScript knows': '__proto__ constructor toString',
  'much white space': ' \n\t  a  \n\n '
}

/** How a model's JSON may write a text. */
const SPELLINGS: Record<string, (text: string) => string> = {
  plainly: text => JSON.stringify(text),
  'in escapes': text => `"${[...text].map(letter => letter.split('').map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')).join('')}"`
}

const USAGE = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }
const ENDS = { LF: '\n', CRLF: '\r\n', CR: '\r' }

function request (stream: boolean, content = 'x', model = LLAMA): object {
  return { model, messages: [{ role: 'user', content }], stream, ...(stream && { stream_options: { include_usage: true } }) }
}

async function told (proxy: Proxy, body: object): Promise<{ content: unknown, total: unknown }> {
  const response = await ask(proxy, body)
  if (!('stream_options' in body)) {
    const { choices, usage } = await response.json() as { choices: Array<{ message: { content: string } }>, usage: typeof USAGE }
    return { content: choices[0]?.message.content, total: usage.total_tokens }
  }
  const { chunks, complaints, isDone } = readChatStream(await response.text(), { withUsage: true })
  if (complaints.length > 0 || !isDone) throw new Error(complaints.join('\n'))
  return { content: assembled(chunks)[0]?.message.content, total: chunks.at(-1)?.usage?.total_tokens }
}

t.test('what a model says comes as it is, however its JSON spells it', async t => {
  let [spelt, isOpenAi] = ['""', false]
  const evil = await startRawUpstream(t, asked => {
    const [first, last] = isOpenAi
      ? [`{"choices":[{"index":0,"delta":{"content":${spelt}}}]}`, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: USAGE }]
      : [`{"response":${spelt}}`, { response: '', usage: USAGE }]
    if (wantsStream(asked)) return [STREAM_HEAD, frames(first, last, '[DONE]'), LAST_CHUNK]
    return [json(isOpenAi ? `{"result":{"choices":[{"index":0,"message":{"content":${spelt}},"finish_reason":"stop"}],"usage":${JSON.stringify(USAGE)}}}` : `{"result":{"response":${spelt},"usage":${JSON.stringify(USAGE)}}}`)]
  })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  for (const [name, text] of Object.entries(TEXTS)) {
    for (const [how, spell] of Object.entries(SPELLINGS)) {
      for (const model of [LLAMA, GLM]) {
        for (const stream of [false, true]) {
          [spelt, isOpenAi] = [spell(text), model === GLM]
          t.strictSame(await told(proxy, request(stream, 'x', model)), { content: text, total: USAGE.total_tokens }, `${name}, ${how}, ${model}${stream ? ', streamed' : ''}`)
        }
      }
    }
  }
})

t.test('digits that come as numbers are text', async t => {
  const evil = await startRawUpstream(t, () => [STREAM_HEAD, frames(...[4, '2', 0.5, -1, 0].map(response => ({ response })), { response: '', usage: USAGE }, '[DONE]'), LAST_CHUNK])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  t.strictSame(await told(proxy, request(true)), { content: '420.5-10', total: USAGE.total_tokens })
})

t.test('half a character, and half of a pair that is cut by two frames, do no harm', async t => {
  const cases: Array<{ name: string, given: Step, expected: string }> = [
    { name: 'a pair in two frames', given: frames('{"response":"a\\ud83d"}', '{"response":"\\ude42b"}', '{"response":"","finish_reason":"stop"}'), expected: 'a🙂b' },
    { name: 'half a pair', given: frames('{"response":"a\\ud83d"}', '{"response":"b","finish_reason":"stop"}'), expected: 'a\ud83db' },
    { name: 'a byte that is no UTF-8', given: chunk(Buffer.concat([Buffer.from('data: {"response":"a'), Buffer.from([0xff]), Buffer.from('b","finish_reason":"stop"}\n\n')])), expected: 'a\ufffdb' }
  ]
  const evil = await startRawUpstream(t, ({ path }) => [STREAM_HEAD, cases[Number(/\d+$/.exec(path))]?.given ?? '', chunk('data: [DONE]\n\n'), LAST_CHUNK])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  for (const [index, { name, expected }] of cases.entries()) {
    const bytes = Buffer.from(await (await ask(proxy, { ...request(true), stream_options: null, model: `@cf/evil/half-${index}` })).arrayBuffer())
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const { chunks, complaints } = readChatStream(text)
    t.strictSame({ complaints, content: assembled(chunks)[0]?.message.content }, { complaints: [], content: expected }, name)
  }
})

t.test('a stream that comes a byte at a time says the same, whatever its lines end with', async t => {
  const said = 'é 漢 🙂\n"quoted"'
  const stream = (end: string) => Buffer.from([': x', 'event: message', 'data: {"response":"é 漢"}', '', 'id: 7', `data:{"response":${JSON.stringify(said.slice(3))}}`, '', 'data: {"response":"",', `data: "usage":${JSON.stringify(USAGE)}}`, '', 'data: [DONE]', '', ''].join(end))
  const cases = Object.entries(ENDS).map(([name, end]) => ({ name, bytes: stream(end) }))
  const evil = await startRawUpstream(t, ({ path }) => {
    const { bytes } = cases[Number(/\d+$/.exec(path))] ?? { bytes: Buffer.alloc(0) }
    return [STREAM_HEAD, ...[...bytes].flatMap(byte => [chunk(Buffer.from([byte])), 1]), LAST_CHUNK]
  })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  await Promise.all(cases.map(async ({ name }, index) => {
    t.strictSame(await told(proxy, request(true, 'x', `@cf/evil/byte-${index}`)), { content: said, total: USAGE.total_tokens }, name)
  }))
})

t.test('what a caller says reaches the model as it is, in JSON that is well-formed', async t => {
  const evil = await startRawUpstream(t, () => [json({ result: { response: 'hi', usage: USAGE } })])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  for (const [name, text] of Object.entries(TEXTS)) {
    for (const [how, spell] of Object.entries(SPELLINGS)) {
      const body = JSON.stringify(request(false, 'TEXT')).replace('"TEXT"', () => spell(text))
      t.equal((await fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status, 200)
      const { messages } = JSON.parse(evil.asked.at(-1)?.body ?? '') as { messages: Array<{ content: string }> }
      t.equal(messages[0]?.content, text, `${name}, ${how}`)
    }
  }
})
