import t, { type Test } from 'tap'
import { askRaw, waited } from '../../servers/http-client.ts'
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from '../../servers/otlp-receiver.ts'
import { API_TOKEN, ask, GLM, LLAMA, MISTRAL, post, saying, startProxy, type Proxy } from '../../servers/start-proxy.ts'

const PATIENCE_MS = 30_000
const SERVER = 2
const CLIENT = 3
const SERVED = { kind: SERVER, parentSpanId: '', status: 0, attributes: { 'http.response.status_code': 200, 'http.request.method': 'POST', 'workers_ai_proxy.key': 'team', 'url.scheme': 'http' } }
const OK = { kind: CLIENT, status: 0 }
const KEY = { authorization: 'Bearer sesame-key-0815' }

interface Traced {
  proxy: Proxy
  receiver: OtlpReceiver
}

async function startTraced (t: Test, env: Record<string, string> = {}): Promise<Traced> {
  const receiver = await startOtlpReceiver(t)
  const proxy = await startProxy(t, {
    API_KEYS: 'team:sesame-key-0815',
    MODEL_FALLBACKS: JSON.stringify({ [MISTRAL]: [LLAMA] }),
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '5',
    ...env
  })
  return { proxy, receiver }
}

/** The spans of one request, its own first, the others by when they began. */
async function spansOf ({ receiver }: Traced, run: () => Promise<unknown>, count: number): Promise<ReceivedSpan[]> {
  receiver.spans.length = 0
  await run()
  await waited(() => receiver.spans.length >= count, PATIENCE_MS)
  return receiver.spans.splice(0).sort((one, other) => one.kind - other.kind || one.startMs - other.startMs)
}

async function read (response: Promise<Response>): Promise<string> {
  return (await response).text()
}

for (const protocol of ['http/json', 'http/protobuf']) {
  t.test(`every request is a trace of its own, by ${protocol}`, async t => {
    const traced = await startTraced(t, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol })
    const { proxy } = traced
    const chat = (content: string, rest: object = {}, headers: Record<string, string> = KEY) => read(ask(proxy, saying(content, rest), { headers }))
    const chatOf = (model: string) => ({ ...OK, name: `chat ${model}`, attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'cloudflare.workers_ai', 'gen_ai.request.model': model, 'server.address': '127.0.0.1', 'server.port': proxy.simulator.port, 'workers_ai.account': 'default' } })
    const failed = (model: string, type: string) => ({ ...chatOf(model), status: 2, attributes: { ...chatOf(model).attributes, 'error.type': type } })
    const onRoute = (route: string, attributes: object = {}) => ({ ...SERVED, name: `POST ${route}`, attributes: { ...SERVED.attributes, 'http.route': route, 'url.path': route, ...attributes } })
    const CHAT = '/v1/chat/completions'
    const cases: Array<{ name: string, run: () => Promise<unknown>, server: object, calls: object[] }> = [
      {
        name: 'a plain answer',
        run: () => chat('say one two', { temperature: 0.5, top_p: 0.25, top_k: 3, seed: 7, max_tokens: 50, stop: ['END'], frequency_penalty: 0.5, presence_penalty: 0.125, user: 'x' }),
        server: onRoute(CHAT, { 'workers_ai_proxy.requested_model': LLAMA, 'workers_ai_proxy.request_id': /^req_/, 'workers_ai_proxy.changes': ['user dropped'] }),
        calls: [{
          ...chatOf(LLAMA),
          attributes: {
            ...chatOf(LLAMA).attributes,
            'gen_ai.request.stream': false,
            'gen_ai.request.temperature': 0.5,
            'gen_ai.request.top_p': 0.25,
            'gen_ai.request.top_k': 3,
            'gen_ai.request.seed': 7,
            'gen_ai.request.max_tokens': 50,
            'gen_ai.request.stop_sequences': ['END'],
            'gen_ai.request.frequency_penalty': 0.5,
            'gen_ai.request.presence_penalty': 0.125,
            'gen_ai.response.finish_reasons': ['stop'],
            'gen_ai.usage.input_tokens': Number,
            'gen_ai.usage.output_tokens': Number,
            'workers_ai.req_id': String,
            'workers_ai.neurons': Number
          }
        }]
      },
      {
        name: 'a stream',
        run: () => chat('say one two', { stream: true }),
        server: onRoute(CHAT),
        calls: [{ ...chatOf(LLAMA), attributes: { 'gen_ai.request.stream': true, 'gen_ai.response.time_to_first_chunk': Number, 'gen_ai.response.finish_reasons': ['stop'] } }]
      },
      {
        name: 'an answer in OpenAI\'s form, which has an id',
        run: () => chat('say one', { model: GLM, response_format: { type: 'json_object' } }),
        server: onRoute(CHAT),
        calls: [{ ...chatOf(GLM), attributes: { 'gen_ai.output.type': 'json', 'gen_ai.response.id': String, 'gen_ai.response.model': String } }]
      },
      { name: 'two choices are two calls', run: () => chat('say one', { n: 2 }), server: onRoute(CHAT), calls: [chatOf(LLAMA), chatOf(LLAMA)].map(call => ({ ...call, attributes: { ...call.attributes, 'gen_ai.request.choice.count': 2 } })) },
      { name: 'a retry is another call', run: () => chat('fail 1 times with 502 then say one'), server: onRoute(CHAT), calls: [failed(LLAMA, 'http_5xx'), { ...chatOf(LLAMA), attributes: { ...chatOf(LLAMA).attributes, 'http.request.resend_count': 1 } }] },
      { name: 'a fallback', run: () => chat('fail with 524', { model: MISTRAL }), server: { ...onRoute(CHAT, { 'http.response.status_code': Number, 'error.type': String }), status: Number }, calls: [failed(MISTRAL, 'http_5xx'), failed(LLAMA, 'http_5xx')] },
      { name: 'refused by Cloudflare', run: () => chat('fail with code 4006'), server: onRoute(CHAT, { 'http.response.status_code': 429, 'error.type': 'code_4006' }), calls: [failed(LLAMA, 'code_4006')] },
      { name: 'refused as invalid', run: () => chat('say one', { n: 0 }), server: onRoute(CHAT, { 'http.response.status_code': 400, 'error.type': '400' }), calls: [] },
      { name: 'without a key', run: () => chat('say one', {}, {}), server: onRoute(CHAT, { 'http.response.status_code': 401, 'error.type': '401', 'workers_ai_proxy.key': 'none' }), calls: [] },
      { name: 'a broken stream', run: () => chat('break after 3 frames, say 10 words', { stream: true }), server: { ...onRoute(CHAT, { 'error.type': 'truncated' }), status: 2 }, calls: [failed(LLAMA, 'truncated')] },
      {
        name: 'a client that leaves a stream',
        run: async () => {
          const left = new AbortController()
          const response = await ask(proxy, saying('stall after 3 frames, say 10 words', { stream: true }), { headers: KEY, signal: left.signal })
          await response.body?.getReader().read()
          left.abort()
        },
        server: onRoute(CHAT, { 'http.response.status_code': 499, 'error.type': 'client_gone' }),
        calls: [{ ...chatOf(LLAMA), attributes: { 'error.type': 'client_gone' } }]
      },
      {
        name: 'Anthropic\'s API',
        run: () => read(post(proxy, '/v1/messages', { model: LLAMA, max_tokens: 20, messages: [{ role: 'user', content: 'say one' }] }, { headers: { ...KEY, 'anthropic-version': '2023-06-01' } })),
        server: onRoute('/v1/messages'),
        calls: [chatOf(LLAMA)]
      },
      { name: 'Anthropic\'s API, refused', run: () => read(post(proxy, '/v1/messages', { model: LLAMA, max_tokens: 0, messages: [] }, { headers: KEY })), server: onRoute('/v1/messages', { 'http.response.status_code': 400, 'error.type': '400' }), calls: [] },
      { name: 'a response', run: () => read(post(proxy, '/v1/responses', { model: LLAMA, input: 'say one', stream: true }, { headers: KEY })), server: onRoute('/v1/responses'), calls: [chatOf(LLAMA)] },
      {
        name: 'a text completion',
        run: () => read(post(proxy, '/v1/completions', { model: LLAMA, prompt: 'say one', max_tokens: 5 }, { headers: KEY })),
        server: onRoute('/v1/completions'),
        calls: [{ ...OK, name: `text_completion ${LLAMA}`, attributes: { 'gen_ai.operation.name': 'text_completion' } }]
      },
      {
        name: 'embeddings',
        run: () => read(post(proxy, '/v1/embeddings', { model: '@cf/baai/bge-m3', input: 'one' }, { headers: KEY })),
        server: onRoute('/v1/embeddings'),
        calls: [{ ...OK, name: 'embeddings @cf/baai/bge-m3', attributes: { 'gen_ai.operation.name': 'embeddings', 'gen_ai.usage.input_tokens': Number } }]
      },
      { name: 'a list of models', run: () => askRaw(proxy, '/v1/models', { headers: KEY }), server: { kind: SERVER, name: 'GET /v1/models', status: 0 }, calls: [] },
      { name: 'no route', run: () => askRaw(proxy, '/nope?sesame', { headers: KEY }), server: { kind: SERVER, name: 'GET', status: 0, attributes: { 'url.path': '/nope', 'error.type': '404' } }, calls: [] }
    ]
    for (const { name, run, server, calls } of cases) {
      const [own, ...others] = await spansOf(traced, run, calls.length + 1)
      t.match(own, server, name)
      t.equal(others.length, calls.length, `${name}: as many calls`)
      t.match(others, calls, `${name}: its calls`)
      t.ok(others.every(({ traceId, parentSpanId }) => traceId === own?.traceId && parentSpanId === own?.spanId), `${name}: they belong together`)
      t.ok(others.every(({ startMs, endMs }) => own !== undefined && startMs >= own.startMs && startMs <= endMs && endMs <= own.endMs + 50), `${name}: within its time`)
      t.match(own?.resource, { 'service.name': 'workers-ai-proxy', 'service.version': String, 'service.instance.id': String, 'telemetry.sdk.language': 'nodejs' })
    }
    await askRaw(proxy, '/health')
    await askRaw(proxy, '/metrics', { headers: KEY })
    const [last] = await spansOf(traced, () => askRaw(proxy, '/v1/models', { headers: KEY }), 1)
    t.equal(last?.name, 'GET /v1/models', 'probes and scrapes are no traces')
    for (const { path, headers } of traced.receiver.exports) t.match([path, headers['content-type']], ['/v1/traces', protocol === 'http/json' ? 'application/json' : 'application/x-protobuf'])
  })
}

t.test('neither keys nor tokens nor what was said is in any export', async t => {
  const traced = await startTraced(t, { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' })
  const { proxy, receiver } = traced
  const messages = [{ role: 'system', content: 'secret-prompt' }, { role: 'user', content: 'say secret-answer' }]
  const headers = { ...KEY, 'user-agent': 'secret-agent', cookie: 'secret-cookie', 'x-proxied-by': 'secret-header' }
  await spansOf(traced, async () => {
    for (const stream of [true, false]) await read(ask(proxy, { model: LLAMA, messages, stream, user: 'secret-user', tools: [{ type: 'function', function: { name: 'secret_tool' } }] }, { headers }))
    await read(ask(proxy, { model: LLAMA, messages: 'secret-malformed' }, { headers }))
    await read(post(proxy, '/v1/messages', { model: LLAMA, max_tokens: 20, system: 'secret-system', messages: messages.slice(1) }, { headers }))
    await askRaw(proxy, '/v1/models?key=secret-query', { headers })
  }, 8)
  const sent = receiver.exports.map(({ text }) => text).join('')
  t.notMatch(sent, /secret|sesame/)
  t.notMatch(sent, API_TOKEN)
})

t.test('what was said is told where that is wanted, without images', async t => {
  const traced = await startTraced(t, { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' })
  const { proxy, receiver } = traced
  for (const stream of [false, true]) {
    const [, call] = await spansOf(traced, () => read(ask(proxy, saying('say one two', { stream }), { headers: KEY })), 2)
    const { 'gen_ai.input.messages': input, 'gen_ai.output.messages': output } = call?.attributes ?? {}
    t.strictSame(JSON.parse(String(input)), [{ role: 'user', parts: [{ type: 'text', content: 'say one two' }] }], `stream: ${stream}`)
    t.strictSame(JSON.parse(String(output)), [{ role: 'assistant', parts: [{ type: 'text', content: 'one two' }], finish_reason: 'stop' }])
  }
  const image = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(3_000, 'image')]).toString('base64')
  const content = [{ type: 'text', text: 'say seen' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } }]
  const [, call] = await spansOf(traced, () => read(ask(proxy, { model: MISTRAL, messages: [{ role: 'user', content }] }, { headers: KEY })), 2)
  t.match(call?.attributes['gen_ai.input.messages'], 'say seen')
  t.notMatch(receiver.exports.map(({ text }) => text).join(''), new RegExp(`sesame|${API_TOKEN}|${image.slice(0, 40)}`))
})

t.test('a traceparent is continued, a broken one is not, and none goes to Cloudflare', async t => {
  const traced = await startTraced(t)
  const { proxy } = traced
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const spanId = 'b7ad6b7169203331'
  const asked = async (traceparent: string, count = 2) => {
    const [own, ...others] = await spansOf(traced, () => read(ask(proxy, saying('say one'), { headers: { ...KEY, traceparent, tracestate: 'vendor=1', baggage: 'a=b' } })), count)
    return { own, others }
  }
  const { own, others } = await asked(`00-${traceId}-${spanId}-01`)
  t.match(own, { traceId, parentSpanId: spanId })
  t.match(others, [{ traceId, parentSpanId: own?.spanId }])
  for (const broken of [`00-${traceId}-${spanId}`, `ff-${traceId}-${spanId}-01`, `00-${'0'.repeat(32)}-${spanId}-01`, `00-${traceId.toUpperCase()}-${spanId}-01`, 'nonsense', `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`]) {
    const { own } = await asked(broken)
    t.match(own, { parentSpanId: '' }, broken)
    t.not(own?.traceId, traceId)
  }
  t.strictSame(proxy.simulator.requests.flatMap(({ headers }) => Object.keys(headers)).filter(name => /trace|baggage/i.test(name)), [])
  await read(ask(proxy, saying('say not sampled'), { headers: { ...KEY, traceparent: `00-${traceId}-${spanId}-00` } }))
  const { own: next } = await asked('')
  t.not(next?.traceId, traceId, 'a caller that does not sample is not sampled here')
})

t.test('a line of the log has the ids of its trace', async t => {
  const traced = await startTraced(t)
  const { proxy } = traced
  const [own] = await spansOf(traced, () => read(ask(proxy, saying('say one'), { headers: KEY })), 2)
  t.match(proxy.lines().find(({ msg }) => msg === 'request'), { trace_id: own?.traceId, span_id: own?.spanId })
  const untraced = await startProxy(t)
  await read(ask(untraced, saying('say one')))
  await waited(() => untraced.lines().some(({ msg }) => msg === 'request'))
  t.notMatch(untraced.log(), 'trace_id')
})

t.test('settings decide what is exported, and how', async t => {
  const receiver = await startOtlpReceiver(t)
  const proxy = await startProxy(t, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/api/public/otel/v1/traces`,
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20c2VjcmV0,x-scope=a',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=ignored,team=search',
    OTEL_SERVICE_NAME: 'my-proxy',
    OTEL_PROPAGATORS: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '5'
  })
  const [own] = await spansOf({ proxy, receiver }, () => read(ask(proxy, saying('say one'), { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } })), 2)
  t.match(own, { parentSpanId: '', resource: { 'service.name': 'my-proxy', team: 'search' } })
  t.match(receiver.exports[0], { path: '/api/public/otel/v1/traces', headers: { 'content-encoding': 'gzip', authorization: 'Basic c2VjcmV0', 'x-scope': 'a' } })
  t.notMatch(proxy.log(), 'c2VjcmV0')
  const never = await startTraced(t, { OTEL_TRACES_SAMPLER: 'always_off' })
  await read(ask(never.proxy, saying('say one'), { headers: KEY }))
  await never.proxy.app.close()
  t.strictSame(never.receiver.spans, [])
})
