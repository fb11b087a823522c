import { Gauge, Registry } from 'prom-client'
import { findPackageRoot } from '../../package-root.ts'
import { CounterFamily, HistogramFamily } from './family.ts'
import type { AnswerFigures, Figures, TokenCounts } from './figures.ts'

const PROVIDER = 'cloudflare.workers_ai'

const ANSWER_LABELS = ['gen_ai_operation_name', 'gen_ai_provider_name', 'gen_ai_request_model', 'gen_ai_response_model'] as const
const DURATION_BUCKETS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68]
const FIRST_TOKEN_BUCKETS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60]
const PER_TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]
const TOKEN_BUCKETS = Array.from({ length: 14 }, (_, power) => 4 ** power)

/**
 * The families of what requests add up to. The first four have the names and buckets of GenAI's semantic conventions, as Prometheus
 * spells them. All are declared from the beginning.
 */
export class RequestFamilies {
  readonly #registry = new Registry()
  readonly #duration = this.#histogram(
    'gen_ai_server_request_duration_seconds', 'From the arrival of a request to the last byte of its answer.',
    [...ANSWER_LABELS, 'error_type'], DURATION_BUCKETS)

  readonly #firstToken = this.#histogram(
    'gen_ai_server_time_to_first_token_seconds', 'From the arrival of a request to the first piece of its streamed answer.',
    ANSWER_LABELS, FIRST_TOKEN_BUCKETS)

  readonly #perToken = this.#histogram(
    'gen_ai_server_time_per_output_token_seconds', 'Time of a streamed answer for each token after the first.',
    ANSWER_LABELS, PER_TOKEN_BUCKETS)

  readonly #usage = this.#histogram(
    'gen_ai_client_token_usage', 'Tokens of one request as its client is told them; cached_input and reasoning are parts of input and output.',
    [...ANSWER_LABELS, 'gen_ai_token_type'], TOKEN_BUCKETS)

  readonly #requests = this.#counter(
    'workers_ai_proxy_requests_total', 'Requests that have ended; status 499 is a client that left.',
    'route', 'status', 'model', 'key')

  readonly #tokens = this.#counter(
    'workers_ai_proxy_tokens_total', 'Tokens of all calls of Cloudflare, thrown-away answers too; cached_input and reasoning are parts of input and output.',
    'type', 'model', 'key')

  readonly #neurons = this.#counter(
    'workers_ai_proxy_neurons_total', 'Neurons of all calls of Cloudflare: billed as it says, or computed from tokens and prices.',
    'model', 'key', 'account', 'source')

  readonly #calls = this.#counter(
    'workers_ai_proxy_upstream_calls_total', 'Calls of Cloudflare, by what became of them.',
    'account', 'model', 'outcome')

  readonly #retries = this.#counter(
    'workers_ai_proxy_retries_total', 'Calls of Cloudflare that repeated a failed one.',
    'model')

  readonly #fallbacks = this.#counter(
    'workers_ai_proxy_fallbacks_total', 'Models that took over from a failed or retired one.',
    'from', 'to')

  readonly #repairs = this.#counter(
    'workers_ai_proxy_repairs_total', 'Answers that were mended, or asked for once more because they could not be mended.',
    'kind')

  readonly #refused = this.#counter(
    'workers_ai_proxy_refused_total', 'Requests that a limit refused.',
    'key', 'limit')

  readonly #cache = this.#counter(
    'workers_ai_proxy_answer_cache_total', 'Requests for which an answer was looked for among those that are kept, by what came of it.',
    'result')

  constructor () {
    const info = new Gauge({
      name: 'workers_ai_proxy_build_info',
      help: 'Always 1; its labels say which version runs, on which Node.',
      labelNames: ['version', 'node'],
      registers: [this.#registry]
    })
    info.set({ version: findPackageRoot().version, node: process.versions.node }, 1)
  }

  /** Adds what one request says. */
  add ({ route, status, model, key, seconds, answer, calls, fallbacks, repairs, refusedBy, cache }: Figures): void {
    this.#requests.add([route, String(status), model, key], 1)
    if (answer !== undefined) this.#addAnswer(answer, seconds)
    for (const { account, outcome, model, isRetry, tokens, neurons, source = 'computed' } of calls) {
      this.#calls.add([account, model, outcome], 1)
      if (isRetry) this.#retries.add([model], 1)
      eachCount(tokens, (type, count) => this.#tokens.add([type, model, key], count))
      if (neurons !== undefined) this.#neurons.add([model, key, account, source], neurons)
    }
    for (const { from, to } of fallbacks) this.#fallbacks.add([from, to], 1)
    for (const kind of repairs) this.#repairs.add([kind], 1)
    if (refusedBy !== undefined) this.#refused.add([key, refusedBy], 1)
    if (cache !== undefined) this.#cache.add([cache], 1)
  }

  /** All families in the text format 0.0.4. */
  text (): Promise<string> {
    return this.#registry.metrics()
  }

  #addAnswer ({ operation, requestModel, responseModel, errorType = '', firstTokenSeconds, perTokenSeconds, tokens }: AnswerFigures, seconds: number): void {
    const labels = [operation, PROVIDER, requestModel, responseModel]
    this.#duration.add([...labels, errorType], seconds)
    if (firstTokenSeconds !== undefined) this.#firstToken.add(labels, firstTokenSeconds)
    if (perTokenSeconds !== undefined) this.#perToken.add(labels, perTokenSeconds)
    eachCount(tokens, (type, count) => this.#usage.add([...labels, type], count))
  }

  #counter (name: string, help: string, ...labelNames: string[]): CounterFamily {
    return this.#registered(new CounterFamily(name, help, labelNames))
  }

  #histogram (name: string, help: string, labelNames: readonly string[], bounds: readonly number[]): HistogramFamily {
    return this.#registered(new HistogramFamily(name, help, labelNames, bounds))
  }

  /** A registry asks its families for nothing but what ours have, too; its type says so of prom-client's own alone. */
  #registered<Family extends CounterFamily | HistogramFamily>(family: Family): Family {
    this.#registry.registerMetric(family as unknown as Gauge)
    return family
  }
}

function eachCount (tokens: TokenCounts | undefined, note: (type: string, count: number) => void): void {
  if (tokens === undefined) return
  if (tokens.input > 0) note('input', tokens.input)
  if (tokens.output > 0) note('output', tokens.output)
  if (tokens.cached_input > 0) note('cached_input', tokens.cached_input)
  if (tokens.reasoning > 0) note('reasoning', tokens.reasoning)
}
