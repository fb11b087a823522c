import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { assembled, readChatStream, type AssembledMessage } from '../streams/chat-stream.ts'
import { chunk, failing, frames, http, json, LAST_CHUNK, STREAM_HEAD, wantsStream, type Asked, type Step } from '../servers/raw-upstream.ts'
import { exchange, waited } from '../servers/http-client.ts'
import { readResponseStream } from '../streams/response-stream.ts'
import { GLM, LLAMA, post } from '../servers/start-proxy.ts'

/** How long what must happen soon is waited for, on whatever machine; milliseconds. */
const PATIENCE_MS = 30_000

/** Of the proxy that is asked; a longer body is refused. */
export const BODY_LIMIT_BYTES = 500_000

/** For this model `SECOND` takes over. */
export const FIRST = '@cf/soak/first'
export const SECOND = '@cf/soak/second'

/** One request of a scenario, or a few that belong together. */
export interface Asking {
  url: string
  port: number
  /** What it must bear so that the upstream knows whose it is; nobody else bears it. */
  word: string
  /** The runs it has led to. */
  runs: () => Asked[]
}

export interface Scenario {
  /** Of a thousand requests. */
  share: number
  /** What Cloudflare does when it is asked, the nth time (from 1) by this word. */
  upstream?: (asked: Asked, word: string, count: number) => Step[]
  /** Rejects with what is wrong with the answer. */
  ask: (asking: Asking) => Promise<void>
}

const USAGE = { prompt_tokens: 7, completion_tokens: 11, total_tokens: 18 }
const WEATHER = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }

/** What a model says to whoever sent the word. */
function textFor (word: string): string {
  return `${word}: Grüße 世界 🌍\n"quoted" and \\ more, ${word}.`
}

/** A text as native frames, cut into packets wherever that may hurt. */
function streaming (text: string, more: object = {}): Step[] {
  const events = [...(text.match(/[^]{1,7}/gu) ?? []).map(response => ({ response })), { response: '', usage: USAGE, ...more }]
  const bytes = Buffer.from([...events.map(event => JSON.stringify(event)), '[DONE]'].map(data => `data: ${data}\n\n`).join(''))
  const cut = Math.ceil(bytes.length / 3)
  return [STREAM_HEAD, ...[0, 1, 2].map(index => chunk(bytes.subarray(index * cut, (index + 1) * cut))), LAST_CHUNK]
}

function answering (result: object): Step[] {
  return [json({ result, success: true, errors: [], messages: [] })]
}

function saying (asked: Asked, text: string): Step[] {
  return wantsStream(asked) ? streaming(text) : answering({ response: text, usage: USAGE })
}

function chat (word: string, rest: object = {}): object {
  return { model: LLAMA, messages: [{ role: 'user', content: word }], ...rest }
}

function askChat (asking: Asking, rest: object = {}): Promise<Response> {
  return post(asking, '/v1/chat/completions', chat(asking.word, rest))
}

async function messagesOf (response: Response): Promise<AssembledMessage[]> {
  equal(response.status, 200)
  const { choices } = await response.json() as { choices: Array<{ message: AssembledMessage }> }
  return choices.map(({ message }) => message)
}

/** The messages of a stream that breaks no rule and ends well. */
async function streamedMessagesOf (response: Response, options: { withUsage?: boolean } = {}): Promise<AssembledMessage[]> {
  equal(response.status, 200)
  const { chunks, isDone, complaints } = readChatStream(await response.text(), options)
  deepEqual({ complaints, isDone }, { complaints: [], isDone: true })
  return assembled(chunks).map(({ message }) => message)
}

async function refused (response: Response, status: number, error: { code?: string | null, param?: string }): Promise<void> {
  const { error: { code, param } } = await response.json() as { error: { code: string | null, param: string | null } }
  deepEqual({ status: response.status, ...('code' in error && { code }), ...('param' in error && { param }) }, { status, ...error })
}

/** A stream that began, and then told this error. */
async function broken (response: Response, code: string, content: string): Promise<void> {
  equal(response.status, 200)
  const { chunks, error, isDone, complaints } = readChatStream(await response.text())
  deepEqual({ code: error?.code, isDone, complaints, content: assembled(chunks)[0]?.message.content ?? '' }, { code, isDone: false, complaints: [], content })
}

/** Cloudflare fails so; the caller hears it with this status and code after so many attempts. */
function failure (share: number, given: Step[], expected: { status: number, code: string | null, attempts?: string }): Scenario {
  return {
    share,
    upstream: () => given,
    ask: async asking => {
      // A model of its own, so that others are not refused for its sake.
      const response = await askChat(asking, { model: `@cf/soak/${asking.word}`, stream: Number(asking.word.at(-1)) % 2 === 0 })
      equal(response.headers.get('x-proxy-attempts'), expected.attempts ?? '1')
      await refused(response, expected.status, { code: expected.code })
    }
  }
}

/** Cloudflare begins to stream the word, and then fails so. */
function brokenStream (share: number, given: Step[], code: string): Scenario {
  return {
    share,
    upstream: (_, word) => [STREAM_HEAD, frames({ response: word }), 20, ...given],
    ask: async asking => broken(await askChat(asking, { model: `@cf/soak/${asking.word}`, stream: true }), code, asking.word)
  }
}

/** The caller leaves at some moment; Cloudflare's connection must go with it. */
function departure (share: number, rest: object, given: (word: string) => Step[], moment: (answer: Promise<Response>, asking: Asking) => Promise<unknown>): Scenario {
  return {
    share,
    upstream: (_, word) => given(word),
    ask: async asking => {
      const leaving = new AbortController()
      const answer = post(asking, '/v1/chat/completions', chat(asking.word, rest), { signal: leaving.signal })
      answer.catch(() => {})
      await waited(() => asking.runs().length > 0, PATIENCE_MS)
      await moment(answer, asking)
      leaving.abort()
      await waited(() => asking.runs().every(({ isClosed }) => isClosed), PATIENCE_MS)
    }
  }
}

/** A wrong request, which must lead to no run. */
function mistake (share: number, request: (word: string) => { path: string, init?: RequestInit }, expected: { status: number, code?: string | null, param?: string }): Scenario {
  return {
    share,
    ask: async asking => {
      const { path, init = {} } = request(asking.word)
      const { status, ...error } = expected
      await refused(await fetch(asking.url + path, init), status, error)
      equal(asking.runs().length, 0)
    }
  }
}

function posting (path: string, body: string, type = 'application/json'): { path: string, init: RequestInit } {
  return { path, init: { method: 'POST', headers: { 'content-type': type }, body } }
}

function rawPost (body: string, length = Buffer.byteLength(body)): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`
}

async function open ({ port }: Asking, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

function responding (asking: Asking, input: string, rest: object = {}): Promise<Response> {
  return post(asking, '/v1/responses', { model: LLAMA, input, ...rest })
}

const LONG = 'lorem ipsum '.repeat(10_000)
const UNREAD = { piece: frames({ response: 'x'.repeat(8_192) }), times: 256 }

/** Every scenario of a sidecar's day, and what becomes of it. */
export const SCENARIOS: Record<string, Scenario> = {
  // what is served
  plain: {
    share: 141,
    upstream: (asked, word) => saying(asked, textFor(word)),
    ask: async asking => equal((await messagesOf(await askChat(asking)))[0]?.content, textFor(asking.word))
  },
  stream: {
    share: 180,
    upstream: (asked, word) => saying(asked, textFor(word)),
    ask: async asking => equal((await streamedMessagesOf(await askChat(asking, { stream: true })))[0]?.content, textFor(asking.word))
  },
  usage: {
    share: 30,
    upstream: (asked, word) => saying(asked, textFor(word)),
    ask: async asking => {
      const response = await askChat(asking, { stream: true, stream_options: { include_usage: true } })
      const { chunks, complaints } = readChatStream(await response.text(), { withUsage: true })
      deepEqual({ complaints, total: chunks.at(-1)?.usage?.total_tokens }, { complaints: [], total: USAGE.total_tokens })
    }
  },
  slow: {
    share: 20,
    upstream: (_, word) => [STREAM_HEAD, ...Array.from({ length: 20 }, (_, index) => [frames({ response: `${word} ${index} ` }), 15]).flat(), frames({ response: '', usage: USAGE }, '[DONE]'), LAST_CHUNK],
    ask: async asking => equal((await streamedMessagesOf(await askChat(asking, { stream: true })))[0]?.content, Array.from({ length: 20 }, (_, index) => `${asking.word} ${index} `).join(''))
  },
  long_prompt: {
    share: 10,
    upstream: (asked, word) => saying(asked, `${word} ${asked.body.includes(LONG)}`),
    ask: async asking => equal((await messagesOf(await askChat(asking, { messages: [{ role: 'system', content: LONG }, { role: 'user', content: asking.word }] })))[0]?.content, `${asking.word} true`)
  },
  tools: {
    share: 40,
    upstream: (_, word) => answering({ response: null, tool_calls: [{ name: 'weather', arguments: { city: word } }], usage: USAGE }),
    ask: async asking => deepEqual(callsOf(await messagesOf(await askChat(asking, { tools: [WEATHER] }))), [`weather {"city":"${asking.word}"}`])
  },
  tools_stream: {
    share: 50,
    upstream: (_, word) => [STREAM_HEAD, frames({ response: '', tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":' } }] }), frames({ tool_calls: [{ index: 0, function: { arguments: `"${word}"}` } }] }, { response: '', usage: USAGE }, '[DONE]'), LAST_CHUNK],
    ask: async asking => deepEqual(callsOf(await streamedMessagesOf(await askChat(asking, { stream: true, tools: [WEATHER] }))), [`weather {"city":"${asking.word}"}`])
  },
  leaked_tools: {
    share: 20,
    upstream: (_, word) => streaming(`<tool_call>{"name": "weather", "arguments": {"city": "${word}"}}</tool_call>`),
    ask: async asking => deepEqual(callsOf(await streamedMessagesOf(await askChat(asking, { stream: true, tools: [WEATHER] }))), [`weather {"city":"${asking.word}"}`])
  },
  two: {
    share: 15,
    upstream: (asked, word, count) => saying(asked, `${word} ${count}`),
    ask: async asking => deepEqual((await messagesOf(await askChat(asking, { n: 2 }))).map(({ content }) => content).sort(), [`${asking.word} 1`, `${asking.word} 2`])
  },
  two_stream: {
    share: 15,
    upstream: (asked, word, count) => saying(asked, `${word} ${count}`),
    ask: async asking => deepEqual((await streamedMessagesOf(await askChat(asking, { n: 2, stream: true }))).map(({ content }) => content).sort(), [`${asking.word} 1`, `${asking.word} 2`])
  },
  stop: {
    share: 25,
    upstream: (_, word) => streaming(`${word} goes on until THE END and on`),
    ask: async asking => equal((await streamedMessagesOf(await askChat(asking, { stream: true, stop: ['THE END'] })))[0]?.content, `${asking.word} goes on until `)
  },
  thinking: {
    share: 20,
    upstream: (_, word) => [STREAM_HEAD, frames(...[{ reasoning_content: `Hm, ${word}` }, { content: word }].map(delta => ({ choices: [{ index: 0, delta }] })), { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }, { choices: [], usage: USAGE }, '[DONE]'), LAST_CHUNK],
    ask: async asking => {
      const [message] = await streamedMessagesOf(await askChat(asking, { model: GLM, stream: true }))
      deepEqual([message?.reasoning_content, message?.content], [`Hm, ${asking.word}`, asking.word])
    }
  },
  structured: {
    share: 20,
    upstream: (_, word) => answering({ response: { city: word }, usage: USAGE }),
    ask: async asking => {
      const [message] = await streamedMessagesOf(await askChat(asking, { stream: true, response_format: { type: 'json_schema', json_schema: { name: 's', schema: WEATHER.function.parameters } } }))
      deepEqual(JSON.parse(message?.content ?? ''), { city: asking.word })
    }
  },
  completion: {
    share: 20,
    upstream: (asked, word) => saying(asked, textFor(word)),
    ask: async asking => {
      const stream = asking.word.endsWith('1')
      const response = await post(asking, '/v1/completions', { model: LLAMA, prompt: asking.word, stream })
      const told = await response.text()
      const bodies = (stream ? told.split('\n\n').map(event => event.slice('data: '.length)).filter(data => data.startsWith('{')) : [told]).map(text => JSON.parse(text) as { choices: Array<{ text: string }> })
      equal(bodies.map(({ choices }) => choices[0]?.text ?? '').join(''), textFor(asking.word))
    }
  },
  embeddings: {
    share: 40,
    upstream: asked => {
      const { text } = JSON.parse(asked.body) as { text: string[] }
      return answering({ shape: [text.length, 2], data: text.map(one => [one.length, 0.5]) })
    },
    ask: async asking => {
      const input = ['', ' and', ' and more'].map(end => asking.word + end)
      const { data } = await (await post(asking, '/v1/embeddings', { model: '@cf/baai/bge-m3', input })).json() as { data: Array<{ embedding: number[] }> }
      deepEqual(data.map(({ embedding }) => embedding), input.map(text => [text.length, 0.5]))
    }
  },
  response: {
    share: 20,
    upstream: (asked, word) => saying(asked, textFor(word)),
    ask: async asking => {
      const { id } = await (await responding(asking, asking.word)).json() as { id: string }
      const stored = await fetch(`${asking.url}/v1/responses/${id}`)
      match(await stored.text(), new RegExp(`${asking.word}: Grüße`))
      equal((await fetch(`${asking.url}/v1/responses/${id}`, { method: 'DELETE' })).status, 200)
      await refused(await fetch(`${asking.url}/v1/responses/${id}`), 404, { param: 'id' })
    }
  },
  responses_stream: {
    share: 20,
    upstream: (asked, word, count) => saying(asked, count === 1 ? `${word} one` : `${word} ${asked.body.includes(`${word} one`)}`),
    ask: async asking => {
      const first = readResponseStream(await (await responding(asking, asking.word, { stream: true })).text())
      const second = readResponseStream(await (await responding(asking, `${asking.word} again`, { stream: true, previous_response_id: first.response?.id })).text())
      deepEqual([...first.complaints, ...second.complaints], [])
      match(JSON.stringify(second.response?.output), new RegExp(`"${asking.word} true"`))
    }
  },
  models: {
    share: 15,
    ask: async ({ url }) => {
      const { data } = await (await fetch(`${url}/v1/models`)).json() as { data: Array<{ id: string }> }
      ok(data.some(({ id }) => id === LLAMA))
      match(await (await fetch(`${url}/v1/models/${LLAMA}`)).text(), new RegExp(LLAMA))
    }
  },
  health: {
    share: 30,
    ask: async ({ url }) => {
      for (const path of ['/health', '/livez', '/readyz']) {
        const response = await fetch(url + path)
        await response.text()
        equal(response.status, 200)
      }
    }
  },
  dry_run: {
    share: 5,
    ask: async asking => {
      const response = await post(asking, '/v1/chat/completions', chat(asking.word), { headers: { 'x-dry-run': 'true' } })
      match(await response.text(), new RegExp(`workers_ai\\.dry_run.*${asking.word}`))
      equal(asking.runs().length, 0)
    }
  },
  row: {
    share: 10,
    upstream: (asked, word) => saying(asked, `${word} ${/number (\d)/.exec(asked.body)?.[1]}`),
    ask: async asking => {
      const requests = [0, 1, 2].map(number => rawPost(JSON.stringify(chat(asking.word, { messages: [{ role: 'user', content: `${asking.word} number ${number}` }] }))))
      const answers = await exchange(asking, requests.join(''), `"${asking.word} 2"`)
      deepEqual([...answers.matchAll(/"content":"\S+ (\d)"/g)].map(([, number]) => number), ['0', '1', '2'])
    }
  },
  slow_reader: {
    share: 4,
    upstream: () => [STREAM_HEAD, { again: UNREAD.piece, times: UNREAD.times }, frames('[DONE]'), LAST_CHUNK],
    ask: async asking => {
      const socket = await open(asking, rawPost(JSON.stringify(chat(asking.word, { stream: true }))))
      socket.pause()
      await sleep(300)
      let letters = 0
      let tail = ''
      socket.on('data', bytes => {
        for (const byte of bytes) if (byte === 0x78) letters++
        tail = (tail + bytes.toString('latin1')).slice(-30)
      })
      socket.resume()
      await waited(() => tail.includes('data: [DONE]'), PATIENCE_MS)
      socket.destroy()
      ok(letters >= 8_192 * UNREAD.times, `${letters} letters`)
    }
  },

  // who leaves
  left_waiting: departure(15, {}, () => [], async () => {}),
  left_before_first_token: departure(15, { stream: true }, () => [STREAM_HEAD], () => sleep(30)),
  left_inside: departure(20, { stream: true }, word => [STREAM_HEAD, frames({ response: word })], async answer => (await answer).body?.getReader().read()),
  left_inside_two: departure(10, { stream: true, n: 2 }, word => [STREAM_HEAD, frames({ response: word })], async (answer, { runs }) => {
    await waited(() => runs().length === 2, PATIENCE_MS)
    await (await answer).body?.getReader().read()
  }),
  left_sending: {
    share: 15,
    ask: async asking => {
      const socket = await open(asking, rawPost(JSON.stringify(chat(asking.word)).slice(0, -9), 1_000))
      await sleep(10)
      socket.resetAndDestroy()
      equal(asking.runs().length, 0)
    }
  },

  // what is wrong
  no_json: mistake(10, word => posting('/v1/chat/completions', `{"model": "${word}`), { status: 400, code: null }),
  wrong_type: mistake(10, word => posting('/v1/chat/completions', JSON.stringify(chat(word, { temperature: 'hot' }))), { status: 400, param: 'temperature' }),
  wrong_content_type: mistake(5, word => posting('/v1/chat/completions', JSON.stringify(chat(word)), 'text/plain'), { status: 415 }),
  no_such_model: mistake(10, word => posting('/v1/chat/completions', JSON.stringify(chat(word, { model: word }))), { status: 404, code: 'model_not_found' }),
  no_such_path: mistake(5, word => posting(`/v1/${word}`, '{'), { status: 404 }),
  wrong_method: mistake(5, word => ({ path: `/v1/responses/resp_${word}`, init: { method: 'PUT' } }), { status: 405 }),
  too_large: mistake(4, word => posting('/v1/chat/completions', JSON.stringify(chat(word)).padEnd(BODY_LIMIT_BYTES + 1)), { status: 413 }),

  // what Cloudflare does wrong
  refused: failure(10, failing(400, 5006), { status: 400, code: null }),
  quota: failure(10, failing(429, 4006), { status: 429, code: 'insufficient_quota' }),
  busy: failure(5, failing(429, 3040), { status: 429, code: 'rate_limit_exceeded', attempts: '2' }),
  page: failure(5, [json('<html>', 502, { 'content-type': 'text/html' })], { status: 502, code: 'upstream_error', attempts: '2' }),
  reset: failure(5, ['RESET'], { status: 502, code: 'upstream_unreachable', attempts: '2' }),
  no_http: failure(5, ['SSH-2.0-OpenSSH_9.6\r\n', 'FIN'], { status: 502, code: 'upstream_malformed' }),
  half_an_answer: failure(5, [http(200, { 'content-type': 'application/json', 'content-length': '1000' }, '{"result":'), 'FIN'], { status: 502, code: 'upstream_truncated' }),
  no_answer: failure(5, [STREAM_HEAD, frames({ error: { code: 3040, message: 'busy' } })], { status: 429, code: 'rate_limit_exceeded' }),
  truncated: brokenStream(10, [LAST_CHUNK], 'upstream_truncated'),
  cut: brokenStream(10, ['RESET'], 'upstream_truncated'),
  error_inside: brokenStream(10, [frames({ errors: [{ code: 3040, message: 'busy' }] }), LAST_CHUNK], 'rate_limit_exceeded'),
  rubbish_inside: brokenStream(10, [frames('{"response":'), LAST_CHUNK], 'upstream_malformed'),
  silent: brokenStream(1, [], 'upstream_timeout'),
  retried: {
    share: 20,
    upstream: (asked, word, count) => count === 1 ? ['FIN'] : saying(asked, word),
    ask: async asking => {
      const response = await askChat(asking, { stream: true })
      equal(response.headers.get('x-proxy-attempts'), '2')
      equal((await streamedMessagesOf(response))[0]?.content, asking.word)
    }
  },
  fallen_back: {
    share: 15,
    upstream: (asked, word) => asked.path.endsWith(FIRST) ? failing(404, 5007) : saying(asked, word),
    ask: async asking => {
      const response = await askChat(asking, { model: FIRST })
      equal(response.headers.get('x-proxy-model'), SECOND)
      equal((await messagesOf(response))[0]?.content, asking.word)
    }
  }
}

/** Kinds that take their time, so that they are asked for beside the others. */
export const LONG_SCENARIOS: Record<string, Scenario> = {
  /** Nothing is heard of Cloudflare for 16 s. */
  late_answer: {
    share: 0,
    upstream: (asked, word) => [16_000, ...saying(asked, textFor(word))],
    ask: async asking => equal((await messagesOf(await askChat(asking)))[0]?.content, textFor(asking.word))
  },
  /** Thinks for 26 s before its first token, and for as long before its second; comments keep the stream alive. */
  long_thought: {
    share: 0,
    upstream: (_, word) => [STREAM_HEAD, ...thinking(26), frames({ response: word }), ...thinking(26), frames({ response: '', usage: USAGE }, '[DONE]'), LAST_CHUNK],
    ask: async asking => {
      const text = await (await askChat(asking, { stream: true })).text()
      const { chunks, complaints, isDone } = readChatStream(text)
      deepEqual({ complaints, isDone, content: assembled(chunks)[0]?.message.content }, { complaints: [], isDone: true, content: asking.word })
      for (const part of text.split(asking.word)) match(part, /: keep-alive/)
    }
  }
}

/** Comments of Cloudflare's, which say that it is still there. */
function thinking (seconds: number): Step[] {
  return Array.from({ length: seconds / 2 }, () => [chunk(': thinking\n\n'), 2_000]).flat()
}

function callsOf (messages: readonly AssembledMessage[]): string[] {
  return messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ function: { name, arguments: args } }) => `${name} ${args}`))
}
