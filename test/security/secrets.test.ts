import t from 'tap'
import { askRaw, waited } from '../servers/http-client.ts'
import { API_TOKEN, ask, saying, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { refusal, SECRETS, startAccounts, startWithAccounts } from '../servers/two-accounts.ts'
import { complaintsAbout, headersOf, startRecordedUpstream, toEvents, type Answer } from '../servers/recorded-upstream.ts'

const GATEWAY_TOKEN = 'gateway-secret-0815-xyz'
const CALLER_TOKEN = 'caller-secret-4711-uvw'
const KEY = 'sk-proxy-key-0815-abc'

/** Every part of eight characters, and the beginnings in base64 behind no, one and two other bytes. */
function tracesOf (secret: string): string[] {
  const parts = Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8))
  const encoded = ['', 'x', 'xx', 'Bearer '].map(before => btoa(before + secret).slice(Math.ceil(before.length / 3) * 4, -4))
  return [...parts, ...encoded]
}

function leaksIn (text: string, secrets: readonly string[]): string[] {
  return secrets.flatMap(tracesOf).filter(trace => text.includes(trace))
}

const STREAM = 'text/event-stream'

/** What an upstream may say that has lost its mind, or stands behind something that echoes requests. */
function echoes (secret: string): Record<string, Answer> {
  const sentence = `token ${secret} (Bearer ${secret}, "${secret.slice(0, 12)}…", ${btoa(secret)}, ${btoa(`Bearer ${secret}`)}) is not valid`
  const envelope = { success: false, result: null, errors: [{ code: 5006, message: sentence }], messages: [sentence] }
  return {
    'a refusal': { status: 400, body: envelope },
    'a refusal of the token': { status: 401, body: { ...envelope, errors: [{ code: 10000, message: sentence }] } },
    'a refusal with escapes': { status: 400, headers: { 'content-type': 'application/json' }, body: JSON.stringify(envelope).replaceAll(secret, [...secret].map(char => `\\u00${char.charCodeAt(0).toString(16)}`).join('')) },
    'a refusal in OpenAI\'s words': { status: 403, body: { error: { message: sentence, type: 'invalid', code: 'x' } } },
    'a refusal of the edge': { status: 502, headers: { 'content-type': 'text/html' }, body: `<html>${sentence}</html>` },
    'plain text': { status: 500, headers: { 'content-type': 'text/plain' }, body: sentence },
    'a refusal in a refusal': { status: 400, body: { errors: [{ message: `AiError: AiError: ${JSON.stringify({ error: { message: sentence } })}` }] } },
    'a failure with status 200': { body: envelope },
    'a failure inside a result': { body: { success: true, result: { object: 'error', message: sentence, code: 400 } } },
    'a model that is gone': { status: 404, body: { errors: [{ code: 7003, message: `Could not route to /client/v4/accounts/account-4711-0815/ai/run/x, ${sentence}` }] } },
    'a busy model': { status: 429, headers: { 'retry-after': '60' }, body: { errors: [{ code: 3040, message: sentence }] } },
    'a quota': { status: 429, body: { errors: [{ code: 4006, message: sentence }] } },
    'headers of an answer': {
      headers: Object.fromEntries(['authorization', 'set-cookie', 'cf-ray', 'cf-ai-req-id', 'cf-ai-neurons', 'cf-aig-log-id', 'x-echo', 'server'].map(name => [name, `Bearer ${secret}`])),
      body: { result: { response: 'hi' }, success: true }
    },
    'headers of a refusal': { status: 500, headers: { 'cf-ray': secret, 'x-echo': secret, location: `/?token=${secret}`, 'retry-after': secret }, body: {} },
    'a redirect': { status: 307, contentType: STREAM, headers: { location: `https://evil.example/?token=${secret}` }, body: sentence },
    'an error frame at once': toEvents({ error: { message: sentence, code: 400 } }),
    'an error frame in the middle': toEvents({ response: 'a' }, { response: 'b' }, { success: false, errors: [{ code: 3040, message: sentence }] }),
    'an error frame inside a result': toEvents({ response: 'a' }, { result: { object: 'error', message: sentence } }),
    'a bare AiError frame': toEvents({ response: 'a' }, { name: 'AiError', message: `AiError: ${sentence}`, internalCode: 3000 }),
    'an error frame of another event': { contentType: STREAM, body: `data: {"response":"a"}\n\nevent: error\ndata: ${JSON.stringify({ error: sentence })}\n\n` },
    'a frame that is no JSON': toEvents({ response: 'a' }, `{"response":"${sentence}`),
    'a stream that is none': toEvents(sentence, `Bearer ${secret}`),
    'comments and other fields': { contentType: STREAM, body: `: ${sentence}\nevent: ${secret}\nid: ${secret}\nretry: ${secret}\n\n${toEvents({ response: 'a', finish_reason: 'stop' }, '[DONE]').body}` },
    'a content type': { headers: { 'content-type': `text/${secret}` }, body: { nothing: true } },
    'an encoding': { headers: { 'content-encoding': secret }, body: {} }
  }
}

/** Everything a caller can read of an answer. */
async function readable (response: Response): Promise<string> {
  return JSON.stringify(headersOf(response)) + await response.text()
}

async function settled (proxy: Proxy, requests: number): Promise<void> {
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length >= requests)
}

const settings: Array<{ name: string, env: Record<string, string>, headers: Record<string, string>, secrets: string[], gateway?: true }> = [
  { name: 'the proxy\'s token', env: { API_KEYS: KEY }, headers: { authorization: `Bearer ${KEY}` }, secrets: [API_TOKEN, KEY] },
  { name: 'the token of an AI Gateway', env: { CLOUDFLARE_AI_GATEWAY_ID: 'gw', CLOUDFLARE_AI_GATEWAY_TOKEN: GATEWAY_TOKEN }, headers: {}, secrets: [GATEWAY_TOKEN, API_TOKEN], gateway: true },
  { name: 'a caller\'s token', env: { AUTH_MODE: 'passthrough' }, headers: { authorization: `Bearer ${CALLER_TOKEN}` }, secrets: [CALLER_TOKEN, API_TOKEN] },
  { name: 'the proxy\'s token, with content logged', env: { LOG_CONTENT: 'true', LOG_LEVEL: 'trace' }, headers: {}, secrets: [API_TOKEN] }
]
for (const { name, env, headers, secrets, gateway } of settings) {
  t.test(`${name} is in no answer and no log line, whatever Cloudflare says`, async t => {
    const secret = secrets[0] ?? ''
    let answer: Answer = { body: {} }
    const upstream = await startRecordedUpstream(t, () => answer)
    const base = gateway ? { CLOUDFLARE_AI_GATEWAY_BASE_URL: upstream.url } : {}
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, MAX_RETRIES: '0', ...base, ...env })
    let asked = 0
    for (const [shape, given] of Object.entries(echoes(secret))) {
      answer = given
      for (const stream of [false, true]) {
        const response = await ask(proxy, saying('hi', { stream }), { headers })
        t.strictSame(leaksIn(await readable(response), secrets), [], `${shape}${stream ? ', streamed' : ''}`)
        asked++
      }
    }
    await settled(proxy, asked)
    t.strictSame(leaksIn(proxy.log(), secrets), [], 'the log')
    t.notMatch(proxy.log(), /"stack"/, 'none of these is a bug')
  })
}

t.test('no account tells the secrets of another one', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts)
  const all = SECRETS.join(' and ')
  for (const answer of [refusal(5006, 400, all), refusal(undefined, 500, all), refusal(10000, 401, all), toEvents({ response: 'a' }, { error: { message: all } })]) {
    for (const name of ['main', 'backup'] as const) accounts.answer(name, answer)
    for (const stream of [true, false]) {
      const response = await ask(proxy, saying('hi', { stream }))
      t.strictSame(leaksIn(await readable(response), SECRETS), [])
    }
  }
  t.strictSame(leaksIn(proxy.log(), SECRETS), [])
})

t.test('nor on any other endpoint', async t => {
  let answer: Answer = { body: {} }
  const upstream = await startRecordedUpstream(t, () => answer)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, MAX_RETRIES: '0' })
  const model = '@cf/meta/llama-3.1-8b-instruct'
  const bodies: Array<[string, object]> = [
    ['/v1/completions', { model, prompt: 'hi' }],
    ['/v1/completions', { model, prompt: 'hi', stream: true }],
    ['/v1/embeddings', { model: '@cf/baai/bge-m3', input: 'hi' }],
    ['/v1/responses', { model, input: 'hi' }],
    ['/v1/responses', { model, input: 'hi', stream: true }],
    ['/v1/responses', { model, input: [{ role: 'user', content: 'hi' }, { type: 'compaction_trigger' }] }],
    ['/v1/responses', { model, input: [{ role: 'user', content: 'hi' }, { type: 'compaction_trigger' }], stream: true }],
    ['/v1/responses/compact', { model, input: 'hi' }]
  ]
  for (const [shape, given] of Object.entries(echoes(API_TOKEN))) {
    answer = given
    for (const [path, body] of bodies) {
      const response = await fetch(proxy.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      t.strictSame(leaksIn(await readable(response), [API_TOKEN]), [], `${path}: ${shape}`)
    }
  }
  t.strictSame(leaksIn(proxy.log(), [API_TOKEN]), [], 'the log')
})

t.test('nor is it in what the proxy says of itself', async t => {
  const proxy = await startProxy(t, { API_KEYS: KEY })
  const headers = { authorization: `Bearer ${KEY}` }
  const answers: string[] = []
  for (const path of ['/health', '/readyz?verbose', '/v1/models', '/v1/models/@cf/a/b', '/nope', `/${API_TOKEN.slice(0, 3)}`]) {
    answers.push(JSON.stringify(await askRaw(proxy, path, { headers })))
  }
  answers.push(await readable(await ask(proxy, saying('hi', { user: 'x' }), { headers: { ...headers, 'x-dry-run': 'true' } })))
  t.strictSame(leaksIn(answers.join(), [API_TOKEN, KEY, 'account-4711-0815']), [])
})

t.test('listings that fail tell the log why, without the token', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  await askRaw(proxy, '/v1/models')
  await waited(() => proxy.lines().some(({ msg }) => /did not list/.test(String(msg))))
  t.strictSame(leaksIn(proxy.log(), [API_TOKEN]), [])
})

t.test('with the callers\' own tokens each goes upstream with its own call, and the proxy\'s with none', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, AUTH_MODE: 'passthrough' })
  const callers = ['caller-one-aaaaaaaa', 'caller-two-bbbbbbbb']
  const credentials = [{ authorization: `Bearer ${callers[0]}` }, { 'x-api-key': callers[1] ?? '' }]
  for (const headers of credentials) {
    for (const stream of [false, true]) await (await ask(proxy, saying('hi', { stream, model: '@cf/unknown/model' }), { headers: headers as unknown as Record<string, string> })).text()
    await askRaw(proxy, '/v1/models', { headers: headers as unknown as Record<string, string> })
  }
  const tokens = upstream.runs.map(({ headers }) => headers.authorization)
  t.strictSame(tokens, [callers[0], callers[0], callers[1], callers[1]].map(token => `Bearer ${token}`))
  t.strictSame(upstream.runs.flatMap((run, index) => complaintsAbout(run, callers[Math.floor(index / 2)])), [])
  t.notMatch(JSON.stringify(upstream.requests), API_TOKEN)
  t.strictSame(leaksIn(proxy.log(), [...callers, API_TOKEN]), [])
})

t.test('a caller whose token Cloudflare refuses hears that it is the caller\'s', async t => {
  for (const [status, code] of [[401, 10000], [403, 9109], [400, 6003]] as const) {
    const refusals: Answer[] = [{ status, body: { success: false, errors: [{ code, message: 'Authentication error' }] } }, toEvents({ response: 'a' }, { errors: [{ code, message: 'Authentication error' }] })]
    for (const refusal of refusals) {
      const upstream = await startRecordedUpstream(t, () => refusal)
      const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, AUTH_MODE: 'passthrough' })
      const text = await (await ask(proxy, saying('hi', { stream: true }), { headers: { authorization: `Bearer ${CALLER_TOKEN}` } })).text()
      t.match(text, /"message":"Cloudflare refused your API key: .*"code":"invalid_api_key"/, `${code}`)
      t.notMatch(text, /proxy's own/)
    }
  }
})

t.test('what is no token gets nowhere', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, AUTH_MODE: 'passthrough' })
  const bad: Array<Record<string, string>> = [{}, { authorization: '' }, { authorization: 'Bearer' }, { authorization: 'Basic eDp5' }, { authorization: 'Bearer h\u00e9' }, { authorization: 'Bearer a b' }, { 'x-api-key': '' }, { 'x-api-key': 'a b' }, { 'x-api-key': '\u00ff' }]
  for (const headers of bad) {
    t.equal((await askRaw(proxy, '/v1/chat/completions', { method: 'POST', headers })).status, 401, JSON.stringify(headers))
  }
  t.strictSame(upstream.runs, [])
})
