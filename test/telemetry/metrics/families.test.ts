import t from 'tap'
import { RequestFamilies } from '../../../src/telemetry/metrics/families.ts'
import type { Figures } from '../../../src/telemetry/metrics/figures.ts'

const TOKENS = { input: 10, output: 20, cached_input: 4, reasoning: 2 }

const FIGURES: Figures = {
  route: '/v1/chat/completions',
  status: 200,
  model: '@cf/a/b',
  key: 'team',
  seconds: 0.5,
  answer: { operation: 'chat', requestModel: '@cf/a/b', responseModel: '@cf/a/c', firstTokenSeconds: 0.05, perTokenSeconds: 0.02, tokens: TOKENS },
  calls: [
    { account: 'default', model: '@cf/a/b', outcome: 'code_3040', isRetry: false },
    { account: 'default', model: '@cf/a/b', outcome: 'http_5xx', isRetry: true },
    { account: 'default', model: '@cf/a/c', outcome: 'ok', isRetry: false, tokens: TOKENS, neurons: 1.5, source: 'billed' }
  ],
  fallbacks: [{ from: '@cf/a/b', to: '@cf/a/c' }],
  repairs: ['leaked_call'],
  refusedBy: 'overload',
  cache: 'hit'
}

/** Each family by its type, with its labels and bounds, as they are promised. */
const FAMILIES: Array<[name: string, type: string, labels: string, bounds?: string]> = [
  ['gen_ai_server_request_duration_seconds', 'histogram', 'gen_ai_operation_name gen_ai_provider_name gen_ai_request_model gen_ai_response_model', '0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92 163.84 327.68 +Inf'],
  ['gen_ai_server_time_to_first_token_seconds', 'histogram', 'gen_ai_operation_name gen_ai_provider_name gen_ai_request_model gen_ai_response_model', '0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 15 20 30 45 60 +Inf'],
  ['gen_ai_server_time_per_output_token_seconds', 'histogram', 'gen_ai_operation_name gen_ai_provider_name gen_ai_request_model gen_ai_response_model', '0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 +Inf'],
  ['gen_ai_client_token_usage', 'histogram', 'gen_ai_operation_name gen_ai_provider_name gen_ai_request_model gen_ai_response_model gen_ai_token_type', '1 4 16 64 256 1024 4096 16384 65536 262144 1048576 4194304 16777216 67108864 +Inf'],
  ['workers_ai_proxy_requests_total', 'counter', 'route status model key'],
  ['workers_ai_proxy_tokens_total', 'counter', 'type model key'],
  ['workers_ai_proxy_neurons_total', 'counter', 'model key account source'],
  ['workers_ai_proxy_upstream_calls_total', 'counter', 'account model outcome'],
  ['workers_ai_proxy_retries_total', 'counter', 'model'],
  ['workers_ai_proxy_fallbacks_total', 'counter', 'from to'],
  ['workers_ai_proxy_repairs_total', 'counter', 'kind'],
  ['workers_ai_proxy_refused_total', 'counter', 'key limit'],
  ['workers_ai_proxy_answer_cache_total', 'counter', 'result'],
  ['workers_ai_proxy_build_info', 'gauge', 'version node']
]

t.test('every family is declared from the beginning, with its labels and bounds', async t => {
  const families = new RequestFamilies()
  const before = await families.text()
  families.add(FIGURES)
  const text = await families.text()
  for (const [name, type, labels, bounds] of FAMILIES) {
    t.match(before, `\n# TYPE ${name} ${type}\n`, `${name} is there before anything is counted`)
    const lines = text.split('\n').filter(line => line.startsWith(`${name}${type === 'histogram' ? '_bucket' : ''}{`))
    const names = [...(/\{(.*)\}/.exec(lines[0] ?? '')?.[1] ?? '').matchAll(/([a-z_]+)="/g)].map(([, label]) => label).filter(label => label !== 'le')
    t.equal(names.join(' '), labels, `${name} has its labels`)
    if (bounds !== undefined) t.equal([...new Set(lines.map(line => /le="([^"]+)"/.exec(line)?.[1]))].join(' '), bounds, `${name} has its bounds`)
  }
  t.equal(text.match(/^# TYPE /gm)?.length, FAMILIES.length, 'and there are no others')
})

t.test('what a request says is added', async t => {
  const families = new RequestFamilies()
  families.add(FIGURES)
  families.add({ ...FIGURES, answer: { operation: 'chat', requestModel: '@cf/a/b', responseModel: '@cf/a/b', errorType: 'truncated' }, calls: [], fallbacks: [], repairs: [] })
  const text = await families.text()
  const lines = [
    'workers_ai_proxy_requests_total{route="/v1/chat/completions",status="200",model="@cf/a/b",key="team"} 2',
    'workers_ai_proxy_tokens_total{type="input",model="@cf/a/c",key="team"} 10',
    'workers_ai_proxy_tokens_total{type="cached_input",model="@cf/a/c",key="team"} 4',
    'workers_ai_proxy_tokens_total{type="output",model="@cf/a/c",key="team"} 20',
    'workers_ai_proxy_tokens_total{type="reasoning",model="@cf/a/c",key="team"} 2',
    'workers_ai_proxy_neurons_total{model="@cf/a/c",key="team",account="default",source="billed"} 1.5',
    'workers_ai_proxy_upstream_calls_total{account="default",model="@cf/a/b",outcome="code_3040"} 1',
    'workers_ai_proxy_upstream_calls_total{account="default",model="@cf/a/c",outcome="ok"} 1',
    'workers_ai_proxy_retries_total{model="@cf/a/b"} 1',
    'workers_ai_proxy_fallbacks_total{from="@cf/a/b",to="@cf/a/c"} 1',
    'workers_ai_proxy_repairs_total{kind="leaked_call"} 1',
    'workers_ai_proxy_refused_total{key="team",limit="overload"} 2',
    'workers_ai_proxy_answer_cache_total{result="hit"} 2'
  ]
  for (const line of lines) t.ok(text.includes(`\n${line}\n`), line)
  t.match(text, /^gen_ai_server_request_duration_seconds_count\{[^}]*response_model="@cf\/a\/c"\} 1$/m, 'no failure has no label')
  t.match(text, /^gen_ai_server_request_duration_seconds_count\{[^}]*error_type="truncated"\} 1$/m)
  t.match(text, /^gen_ai_server_time_to_first_token_seconds_sum\{[^}]*\} 0\.05$/m)
  t.match(text, /^gen_ai_client_token_usage_sum\{[^}]*gen_ai_token_type="output"\} 20$/m)
  t.match(text, /^workers_ai_proxy_build_info\{version="\d+\.\d+\.\d+[^"]*",node="\d+\.\d+\.\d+"\} 1$/m)
})
