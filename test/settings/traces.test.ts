import t from 'tap'
import { surveySettings, readSettings } from '../../src/settings/reader.ts'
import { toConfigTable } from '../../src/cli/command-line.ts'

const readFile = () => { throw new Error('no file is to be read') }
const SIMULATED = { UPSTREAM: 'simulator' }
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

function tracesOf (env: Record<string, string>) {
  return readSettings({ env: { ...SIMULATED, ...env }, readFile }).settings.traces
}

t.test('what OpenTelemetry\'s variables mean', t => {
  const defaults = {
    endpoint: 'http://127.0.0.1:4318/v1/traces',
    protocol: 'http/protobuf',
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    resource: { 'service.name': 'workers-ai-proxy' },
    sampler: { name: 'always_on', ratio: 1, isParentBased: true },
    continuesTraces: true,
    batch: { delayMs: 5_000, timeoutMs: 30_000, maxQueueSize: 2_048, maxSize: 512 },
    capturesContent: false
  }
  const cases: Array<[env: Record<string, string>, expected: object]> = [
    [{}, {}],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c.example/otlp/' }, { endpoint: 'https://c.example/otlp/v1/traces' }],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.example/own' }, { endpoint: 'https://c.example/own' }],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, { protocol: 'http/json' }],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' }, { protocol: 'http/json' }],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20YTpi, x-a=b==' }, { headers: { Authorization: 'Basic YTpi', 'x-a': 'b==' } }],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: '5', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }, { timeoutMs: 5, compression: 'gzip' }],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=a%2Cb,team=x' }, { resource: { 'service.name': 'a,b', team: 'x' } }],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', OTEL_SERVICE_NAME: 'b' }, { resource: { 'service.name': 'b' } }],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, { sampler: { name: 'traceidratio', ratio: 0.25, isParentBased: false } }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { sampler: { name: 'always_off', ratio: 1, isParentBased: true } }],
    [{ OTEL_PROPAGATORS: 'b3, baggage' }, { continuesTraces: false }],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: '100' }, { batch: { ...defaults.batch, maxQueueSize: 100, maxSize: 100 } }],
    [{ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'TRUE' }, { capturesContent: true }],
    [{ OTEL_TRACES_EXPORTER: 'console,otlp', OTEL_SDK_DISABLED: 'false' }, {}]
  ]
  for (const [env, expected] of cases) t.strictSame(tracesOf({ ...ENDPOINT, ...env }), { ...defaults, ...expected }, JSON.stringify(env))
  t.end()
})

t.test('without an endpoint, or where they are not wanted, there are none, whatever else is set for other programs', t => {
  const others = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'xray', OTEL_EXPORTER_OTLP_HEADERS: 'nonsense', OTEL_PROPAGATORS: 'xray', OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'span_only' }
  t.equal(tracesOf(others), undefined)
  t.equal(tracesOf({ ...others, OTEL_TRACES_EXPORTER: 'console' }), undefined)
  t.equal(tracesOf({ ...ENDPOINT, ...others, OTEL_TRACES_EXPORTER: 'none' }), undefined)
  t.equal(tracesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317', ...others, OTEL_SDK_DISABLED: 'true' }), undefined)
  t.equal(tracesOf({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }), undefined)
  t.end()
})

t.test('what cannot be used stops the start in a sentence that shows no value', t => {
  const cases: Array<[env: Record<string, string>, message: RegExp]> = [
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /OTEL_EXPORTER_OTLP_TRACES_PROTOCOL \(or OTEL_EXPORTER_OTLP_PROTOCOL\).*expected http\/protobuf or http\/json\. grpc is not served; collectors take both at port 4318/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:sesame@c.example' }, /OTEL_EXPORTER_OTLP_ENDPOINT.*without credentials/],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.example/?key=sesame' }, /OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.*OTEL_EXPORTER_OTLP_HEADERS/],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'sesame:4317' }, /OTEL_EXPORTER_OTLP_ENDPOINT/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'sesame' }, /OTEL_EXPORTER_OTLP_TRACES_HEADERS/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=sesame%0d%0ab' }, /OTEL_EXPORTER_OTLP_TRACES_HEADERS/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=sesame%' }, /OTEL_EXPORTER_OTLP_TRACES_HEADERS/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a b=sesame' }, /OTEL_EXPORTER_OTLP_TRACES_HEADERS/],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'sesame' }, /OTEL_RESOURCE_ATTRIBUTES/],
    [{ OTEL_TRACES_SAMPLER: 'sesame' }, /OTEL_TRACES_SAMPLER.*always_on, always_off, traceidratio/],
    [{ OTEL_TRACES_SAMPLER_ARG: '2' }, /OTEL_TRACES_SAMPLER_ARG.*from 0 to 1/],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'sesame' }, /none or gzip/],
    [{ OTEL_TRACES_EXPORTER: 'console' }, /OTEL_TRACES_EXPORTER.*otlp or none/],
    [{ OTEL_SDK_DISABLED: 'sesame' }, /OTEL_SDK_DISABLED.*true or false/],
    [{ OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'sesame' }, /true or false/]
  ]
  for (const [env, message] of cases) {
    const input = { env: { ...SIMULATED, ...ENDPOINT, ...env }, readFile }
    t.throws(() => readSettings(input), { name: 'SettingsError', message }, JSON.stringify(env))
    const { problems, lines } = surveySettings(input)
    t.equal(problems.length, 1)
    t.notMatch(JSON.stringify(problems) + toConfigTable(lines, []), 'sesame', JSON.stringify(env))
  }
  t.end()
})

t.test('headers are a secret, which an endpoint of .env does not get from elsewhere', t => {
  const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=sesame' }
  const survey = (env: Record<string, string>, dotEnv: string) => surveySettings({ env: { ...SIMULATED, ...env }, dotEnv, readFile })
  for (const name of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) {
    const { problems } = survey(headers, `${name}=http://127.0.0.1:1\n`)
    t.match(problems, [{ name, message: 'comes from .env, but OTEL_EXPORTER_OTLP_TRACES_HEADERS, which is sent there, comes from OTEL_EXPORTER_OTLP_HEADERS in the environment' }])
  }
  t.strictSame(survey({ ...headers, OTEL_SDK_DISABLED: 'true' }, 'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1\n').problems, [], 'nothing is sent')
  t.strictSame(survey({ ...headers, ...ENDPOINT }, 'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1\n').problems, [], 'the environment wins')
  const { settings, lines, unread } = survey({}, 'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1\nOTEL_EXPORTER_OTLP_HEADERS=a=sesame\nOTEL_LOGS_EXPORTER=x\n')
  t.match(settings?.traces, { endpoint: 'http://127.0.0.1:1/v1/traces', headers: { a: 'sesame' } }, 'both of .env')
  t.strictSame(unread, ['OTEL_LOGS_EXPORTER'])
  t.notMatch(toConfigTable(lines, []), 'sesame')
  t.match(toConfigTable(lines, []), /OTEL_EXPORTER_OTLP_TRACES_HEADERS +\*{4} +OTEL_EXPORTER_OTLP_HEADERS in \.env/)
  t.end()
})

t.test('what was said with a token is not sent to an endpoint of .env', t => {
  const cloudflare = { CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32), CLOUDFLARE_API_TOKEN: 'token-of-the-account' }
  const content = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'
  const endpoint = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1\n'
  const problemsOf = (env: Record<string, string>, dotEnv: string) => surveySettings({ env, dotEnv, readFile }).problems
  const cases = [
    { name: 'both of .env', env: cloudflare, dotEnv: `${endpoint}${content}=true\n` },
    { name: 'wanted by the environment', env: { ...cloudflare, ...ENDPOINT, [content]: 'true' }, dotEnv: endpoint }
  ]
  for (const { name, env, dotEnv } of cases) t.match(problemsOf(env, dotEnv), [{ name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', message: /CLOUDFLARE_API_TOKEN, by which the prompts and answers come that are sent there/ }], name)
  t.strictSame(problemsOf(cloudflare, endpoint), [], 'spans without content')
  const all = Object.entries(cloudflare).map(([name, value]) => `${name}=${value}\n`).join('')
  t.strictSame(problemsOf({}, `${all}${endpoint}${content}=true\n`), [], 'all of .env')
  t.end()
})

t.test('the names of other signals are no misspellings', t => {
  const env = { ...SIMULATED, OTEL_BLRP_SCHEDULE_DELAY: '1', OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'a=b', OTEL_LOGS_EXPORTER: 'x', OTEL_METRICS_EXPORTER: 'x' }
  t.strictSame(surveySettings({ env, readFile }).misspelled, [])
  t.strictSame(surveySettings({ env: { ...SIMULATED, OTEL_TRACE_SAMPLER: 'x' }, readFile }).misspelled.map(({ meant }) => meant), ['OTEL_TRACES_SAMPLER'])
  t.end()
})
