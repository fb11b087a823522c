/** What the upstream answers, in Workers AI's words: whole HTTP answers, byte by byte, and what they say. */

/**
 * @typedef {object} Answer
 * @property {Buffer} bytes the HTTP answer, cut into pieces by 0x1e
 * @property {number} paceUs microseconds between two pieces; 0 sends all at once
 * @property {string} text what it says
 * @property {number} chunks how many frames bear text; 0 for a plain answer
 * @property {string} body the answer's body as Workers AI sent it
 */

/** @typedef {'classic' | 'classic with empty tool_calls' | 'openai'} Shape */

export const CLASSIC_MODEL = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
export const OPENAI_MODEL = '@cf/zai-org/glm-4.7-flash'

const CUT = '\u001E'
/** Replaced by the moment of sending in a paced answer. */
const STAMP = `~${'0'.repeat(16)}`
/** Tokens as models write them: words, signs, what JSON must escape, and more than ASCII. */
const TOKENS = ['The', ' proxy', ' listens', ' on', ' a', ' port', ',', ' translates', ' what', ' it', ' hears', '.', '\n\n', ' “naïve”', ' "quoted"', ' café', ' and', ' sends', ' it', ' on', ':', ' 你好', ' `code`', '\n- ']
/** Workers AI pads frames to a random length so that nobody can guess a token by its size. */
const PADDING = 'abdefghijklmnoprstuvxyz1234567890abdefghijklmnoprstuvxyz'
const USAGE = { prompt_tokens: 31, completion_tokens: 100, total_tokens: 131 }
const COMPLETION = { id: 'chatcmpl-0123456789abcdef', created: 1_760_000_000, model: OPENAI_MODEL }

/**
 * What api.cloudflare.com says above every answer over HTTP/1.1, going by recordings of it that are public: it chunks
 * plain answers too, and sets two cookies. The ids and neurons are what Workers AI adds.
 */
const HEAD = [
  'HTTP/1.1 200 OK',
  'Date: Fri, 20 Nov 2026 10:00:00 GMT',
  'Transfer-Encoding: chunked',
  'Connection: keep-alive',
  'CF-Ray: 9a0b1c2d3e4f5a6b-FRA',
  'cf-ai-req-id: 01234567-89ab-4cde-8f01-23456789abcd',
  'cf-ai-neurons: 1.98',
  'CF-Cache-Status: DYNAMIC',
  `Set-Cookie: __cflb=${'0123456789'.repeat(4)}; SameSite=Lax; path=/; expires=Fri, 20-Nov-26 12:30:01 GMT; HttpOnly`,
  `Set-Cookie: __cfruid=${'0123456789'.repeat(4)}-1795168800; path=/; domain=.api.cloudflare.com; HttpOnly; Secure; SameSite=None`,
  'Vary: Accept-Encoding',
  'Server: cloudflare'
].join('\r\n')
const END = '0\r\n\r\n'

/** The listing of models, which a server may ask for when it starts. */
export const LISTING = plainHttp(JSON.stringify({
  success: true,
  result: [CLASSIC_MODEL, OPENAI_MODEL].map(name => ({ name, task: { name: 'Text Generation' }, properties: [] })),
  errors: [],
  messages: []
}))

/**
 * A plain answer of 100 tokens.
 * @param {Shape} shape
 * @returns {Answer}
 */
export function plainAnswer (shape) {
  const text = toTokens(100).join('')
  const result = shape === 'openai'
    ? { ...COMPLETION, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: text, tool_calls: [] }, finish_reason: 'stop' }], usage: USAGE }
    : { response: text, tool_calls: [], usage: USAGE }
  const body = JSON.stringify({ result, success: true, errors: [], messages: [] })
  return { bytes: plainHttp(body), body, paceUs: 0, text, chunks: 0 }
}

/**
 * A streamed answer.
 * @param {Shape} shape
 * @param {number} chunks frames that bear text
 * @param {{ perSecond?: number, framesPerHttpChunk?: number }} [pace] frames per second, each stamped with the moment of
 * its sending; without it all at once
 * @returns {Answer}
 */
export function streamedAnswer (shape, chunks, { perSecond, framesPerHttpChunk = 1 } = {}) {
  const tokens = toTokens(chunks).map(token => perSecond === undefined ? token : ` ${STAMP}`)
  const frames = [...tokens.map((token, index) => toFrame(shape, token, index)), toLastFrame(shape), 'data: [DONE]\n\n']
  const head = `${HEAD}\r\nContent-Type: text/event-stream\r\n\r\n`
  const pieces = grouped(frames, framesPerHttpChunk).map(toHttpChunk)
  return {
    bytes: Buffer.from(head + pieces.join(CUT) + END),
    body: frames.join(''),
    paceUs: perSecond === undefined ? 0 : 1_000_000 / perSecond,
    text: tokens.join(''),
    chunks
  }
}

/** @param {Shape} shape @param {string} token @param {number} index */
function toFrame (shape, token, index) {
  const p = PADDING.slice(0, 3 + index * 7 % 50)
  switch (shape) {
    case 'classic': return toEvent({ response: token, p })
    case 'classic with empty tool_calls': return toEvent({ response: token, tool_calls: [], p })
    case 'openai': return toEvent({
      ...COMPLETION,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta: { content: token }, logprobs: null, finish_reason: null }],
      usage: { prompt_tokens: 31, completion_tokens: index + 1, total_tokens: index + 32 }
    })
  }
}

/** @param {Shape} shape */
function toLastFrame (shape) {
  if (shape !== 'openai') return toEvent({ response: '', usage: USAGE })
  return toEvent({ ...COMPLETION, object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) +
    toEvent({ ...COMPLETION, object: 'chat.completion.chunk', choices: [], usage: USAGE })
}

/** @param {object} data */
function toEvent (data) {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** @param {number} count */
function toTokens (count) {
  return Array.from({ length: count }, (_, index) => TOKENS[index % TOKENS.length])
}

/** @param {string[]} frames @param {number} size */
function grouped (frames, size) {
  return Array.from({ length: Math.ceil(frames.length / size) }, (_, index) => frames.slice(index * size, (index + 1) * size).join(''))
}

/** @param {string} text */
function toHttpChunk (text) {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}

/** @param {string} body */
function plainHttp (body) {
  return Buffer.from(`${HEAD}\r\nContent-Type: application/json\r\n\r\n${toHttpChunk(body)}${END}`)
}
