import { InvalidRequestError, UpstreamError, type ProxyError } from '../src/errors.ts'
import type { Change } from '../src/generation/change.ts'
import type { GenerationRequest, Message } from '../src/generation/request.ts'
import type { CompletionRequest } from '../src/surfaces/openai/completions/request.ts'
import { readSettings } from '../src/settings/reader.ts'
import { toProxyError } from '../src/surfaces/openai/errors.ts'
import { FORMATS } from '../src/json/formats.ts'
import { loadCheckers } from '../src/json/json-schema.ts'
import { toCompletionRunRequest } from '../src/workers-ai/request/prompt-request.ts'
import { toBody, toRunRequest, type RunRequest } from '../src/workers-ai/request/run-request.ts'
import { toText } from '../src/workers-ai/transport/request-body.ts'
import { CATALOGUE } from '../src/workers-ai/models/catalogue.ts'
import { toEmbeddingFamily } from '../src/workers-ai/models/embedding-family.ts'
import { ERROR_CODES, toFacts } from '../src/workers-ai/transport/error-codes.ts'
import type { FamilyName, SamplingName } from '../src/workers-ai/models/family.ts'
import type { Model } from '../src/workers-ai/models/model.ts'

await loadCheckers()

/** A feature that a caller may request, and how to see whether it reaches the model. */
interface Feature {
  title: string
  /** A request that asks for it. */
  request: Partial<GenerationRequest>
  /** The parameters whose changes show what happens to it. */
  params: string[]
  /** Whether it reaches the model as requested. */
  isSent: (run: RunRequest) => boolean
  /** What happens otherwise, if no change says so. */
  instead?: string
}

interface Finding {
  verdict: string
  reason?: string | undefined
}

const IMAGE = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII='
const SCHEMA = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'], additionalProperties: false }
const TOOL = { type: 'function' as const, function: { name: 'get_weather', description: 'The weather of a city', parameters: { type: 'object', properties: { city: { type: 'string', description: 'The city' } } } } }
const TOOLS = { tools: [TOOL] }
const JSON_SCHEMA = { response_format: { type: 'json_schema' as const, json_schema: { name: 'answer', schema: SCHEMA } } }
const USER: Message = { role: 'user', content: 'Hi' }

const chat: Feature[] = [
  {
    title: '`system`',
    request: { messages: [{ role: 'system', content: 'Be brief.' }, USER] },
    params: [],
    isSent: run => rolesOf(run)[0] === 'system'
  },
  {
    title: '`developer`',
    request: { messages: [{ role: 'developer', content: 'Be brief.' }, USER] },
    params: [],
    isSent: run => rolesOf(run)[0] === 'developer',
    instead: 'sent as `system`'
  },
  {
    title: 'text parts',
    request: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'text', text: 'there' }] }] },
    params: [],
    isSent: run => bodyOf(run).includes('"type":"text"'),
    instead: 'joined into one text with line breaks'
  },
  {
    title: 'images',
    request: { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: IMAGE } }] }] },
    params: [],
    isSent: run => bodyOf(run).includes(IMAGE)
  },
  {
    title: '`stop`',
    request: { stop: ['END'] },
    params: ['stop'],
    isSent: ({ fields }) => 'stop' in fields,
    instead: 'the proxy itself ends the answer at the sequence'
  },
  { title: '`n: 2`', request: { n: 2 }, params: ['n'], isSent: ({ fields }) => 'n' in fields },
  { title: '`logprobs`', request: { logprobs: true, top_logprobs: 2 }, params: ['logprobs'], isSent: ({ fields }) => fields['logprobs'] === true },
  { title: '`reasoning_effort: high`', request: { reasoning_effort: 'high' }, params: ['reasoning_effort'], isSent: isToldToThink },
  { title: '`reasoning_effort: none`', request: { reasoning_effort: 'none' }, params: ['reasoning_effort'], isSent: isToldToThink }
]

const tools: Feature[] = [
  { title: '`tools`', request: TOOLS, params: ['tools'], isSent: ({ fields }) => 'tools' in fields },
  { title: '`tool_choice: required`', request: { ...TOOLS, tool_choice: 'required' }, params: ['tools', 'tool_choice'], isSent: ({ fields }) => fields['tool_choice'] === 'required' },
  {
    title: 'a named tool',
    request: { ...TOOLS, tool_choice: { type: 'function', function: { name: 'get_weather' } } },
    params: ['tools', 'tool_choice'],
    isSent: ({ fields }) => typeof fields['tool_choice'] === 'object'
  },
  { title: '`parallel_tool_calls: false`', request: { ...TOOLS, parallel_tool_calls: false }, params: ['tools', 'parallel_tool_calls'], isSent: ({ fields }) => fields['parallel_tool_calls'] === false },
  {
    title: '`stream` with tools',
    request: { ...TOOLS, stream: true },
    params: ['tools'],
    isSent: ({ canStream }) => canStream,
    instead: 'the proxy waits for the whole answer, and then sends it as a stream'
  }
]

const formats: Feature[] = [
  { title: '`json_object`', request: { response_format: { type: 'json_object' } }, params: ['response_format'], isSent: ({ fields }) => 'response_format' in fields },
  { title: '`json_schema`', request: JSON_SCHEMA, params: ['response_format'], isSent: ({ fields }) => 'response_format' in fields || 'guided_json' in fields },
  {
    title: '`stream` with `json_schema`',
    request: { ...JSON_SCHEMA, stream: true },
    params: [],
    isSent: ({ canStream }) => canStream,
    instead: 'the proxy waits for the whole answer, checks it, and then sends it as a stream'
  }
]

/** Features of a text completion, and the parameter whose change shows what happens to it. */
const completions: Array<{ title: string, request: Partial<CompletionRequest>, param: string }> = [
  { title: '`prompt`', request: {}, param: 'prompt' },
  { title: '`logprobs`', request: { logprobs: 1 }, param: 'logprobs' },
  { title: '`suffix`', request: { suffix: 'end' }, param: 'suffix' },
  { title: '`best_of`', request: { best_of: 2 }, param: 'best_of' },
  { title: '`raw: false`', request: { raw: false }, param: 'raw' }
]

const SAMPLING: SamplingName[] = ['temperature', 'top_p', 'top_k', 'repetition_penalty', 'frequency_penalty', 'presence_penalty', 'seed']

const OPTIONS = readSettings({ env: { UPSTREAM: 'simulator' }, readFile: path => { throw new Error(`${path} is not to be read`) } }).settings

/** `docs/compatibility.md` as it has to be: every verdict is what the translator does with a request that asks for the feature. */
export function toCompatibilityPage (): string {
  const models = [...CATALOGUE.values()].filter(({ task }) => task === 'text-generation')
  const current = models.filter(({ retirement }) => retirement === undefined)
  const retired = models.filter(({ retirement }) => retirement !== undefined)
  return [
    '# Compatibility',
    'How OpenAI\'s chat parameters reach each model, with the default settings.',
    '> This page is generated. Each verdict is what the translator does with a request for the feature, and a test compares the\n' +
    '> page with it. `UPDATE_DOCS=1 npx tap run --disable-coverage test/compatibility.test.ts` updates it.',
    '| verdict | meaning |\n|---|---|\n' +
    '| native | the model gets it, maybe under another name or in another form |\n' +
    '| emulated | the model does not take it; the proxy does it instead, and reports it in `x-proxy-warnings` if it may matter |\n' +
    '| as X | the model gets X, the nearest value that it takes; `x-proxy-warnings` reports it |\n' +
    '| dropped | it is left out, and `x-proxy-warnings` reports it; with `UNSUPPORTED_PARAMS=reject` it is refused |\n' +
    '| refused | the request gets a 400 that names the parameter |',
    '`GET /v1/models/{id}` returns the same for one model under `workers_ai`, also for models that are newer than this page.',
    '## Models',
    toTable(['model', 'family', 'context window', 'max. output', 'notes'], current.map(model =>
      [toCode(model.id), model.family.name, toCount(model.contextWindow), toCount(model.maxOutputTokens), toNotes(model)])),
    'Windows and outputs are in tokens; – means unknown, or as large as the window. `max_tokens` and `max_completion_tokens`\n' +
    `both limit the answer, including its thinking; the default is ${OPTIONS.defaultMaxTokens}, or the rest of the window.`,
    '## Sampling',
    toSamplingTable(current),
    'Values outside the range are clamped, and `x-proxy-warnings` reports it; – means dropped. Seeds are folded into 1 to 9999999999,\nthe same way each time. Values that turn a parameter off on other servers are left out, not clamped: a `top_k` of 0 or -1, a\n`repetition_penalty` of 0 or less, a `seed` of -1.',
    ...toSection('Messages and answers', chat, current),
    'The following holds for every model, in chats and responses. Each change is reported in `x-proxy-warnings`:\n\n' +
    '* The results of several calls are sent in the order of the calls. If the model sees no ids, each result names its call.\n' +
    '* Images in tool results follow in a user message. An image is sent with the type that its bytes show. Base64 with line\n' +
    '  breaks, without padding, in the URL-safe alphabet or without a data URI is converted to the standard form.\n' +
    '* Parts may have the form of a chat or of a response. Images may also have the forms of Anthropic, MCP and LangChain, or be\n' +
    '  in Ollama\'s `images` beside the text.\n' +
    '* Earlier thinking is read from `reasoning_content`, `reasoning`, `reasoning_details`, `thinking_blocks`, `reasoning_text`,\n' +
    '  `thinking` or a part, and sent to models whose template reads it.\n' +
    '* Custom tools become functions with one text argument, also in earlier messages. The prompt describes a grammar; it is\n' +
    '  not enforced.\n' +
    '* Llama Guard judges a dialogue of user and assistant. System messages and an assistant message at the beginning are left\n' +
    '  out, calls are sent as text, and several messages of one role in a row are joined.\n' +
    '* Every other member of a message or a part, such as `cache_control` or `annotations`, is dropped.',
    'If Workers AI returns no usage, or zeros, the usage is estimated. Requested log probabilities that it does not return are\n`missing`. `x-proxy-warnings` reports both. Text that arrives as a JSON number keeps all its digits.',
    '## Thinking',
    toThinkingTable(current.filter(({ family: { thinking } }) => thinking.efforts.length > 0 || thinking.switch !== undefined)),
    [
      'An effort that a model does not have becomes the nearest one, the higher of two. Only `none` turns thinking off; a model that',
      'always thinks then gets its lowest effort. An effort is never sent beside a switch. The live model list overrides this table',
      'for `reasoning_effort`. The parameters of other servers are read too, in chats, responses and completions with a chat',
      'template: `reasoning: {effort, enabled, max_tokens, exclude}` and `include_reasoning`, `thinking: {type,',
      'budget_tokens}`, `enable_thinking`, `thinking_budget`, and either switch in `chat_template_kwargs`.'
    ].join('\n'),
    ...toSection('Tools', tools, current),
    'The following holds for every model:\n\n' +
    '* A call that a model wrote into its text or thinking becomes a call, plain and streamed, if it names an offered tool.\n' +
    '  Anything else stays text. The forms of these model lines are read, from any model:\n' +
    '  `<tool_call>` of hermes, qwen, mistral and GLM with JSON, `<function=…>` or `<arg_key>`; `<function=…>` of llama, qwen\n' +
    '  coder and nemotron; `<|python_tag|>`, `<|python_start|>` of llama 3 and 4; `<|tool_call|>`, `<TOOLCALL>`,\n' +
    '  `<tool_calls>`, `<|tool_call_start|>` of granite, phi, nemotron, jamba and LFM; `[TOOL_CALLS]` of mistral; the sections\n' +
    '  of kimi; `call:name{…}` of gemma 4 and functiongemma; the channels of gpt-oss; the calls of deepseek 3, R1 and 3.1, and\n' +
    '  DSML of 3.2 and 4; `<invoke name="…">` of minimax and others; and without a tag, also in a code fence: JSON with a\n' +
    '  name and arguments or parameters, a list of it, and `[name(key=value)]`.\n' +
    '* A decorated name is matched to its tool: without template tokens, namespace and number of the call\n' +
    '  (`functions.get_weather:0`, `get_weather<|channel|>analysis`), or as the end of exactly one tool\'s name.\n' +
    '* Arguments are repaired where that is safe: almost valid JSON, JSON encoded twice, numbers, lists and objects as strings,\n' +
    '  `null` for optional members, template tokens around texts (`<|"|>`, `<escape>`). Arguments that fit their schema, and those\n' +
    '  that cannot be repaired, pass unchanged. In streamed arguments only the template tokens are removed.\n' +
    '* Parameter schemas are sent without parts that strict parsers refuse, at any depth. Parts without meaning are removed without a\n' +
    '  report: nulls, an empty `enum`, `anyOf`, `type` or `items`, `required: false`, an empty list in place of a map of schemas. A\n' +
    '  root that is a `$ref` is replaced by its target. Parts that are not valid JSON Schema are dropped and reported.',
    ...toSection('Structured output', formats, current),
    'Answers are checked against the caller\'s schema, even if the model enforces it:\n\n' +
    '* `$schema` names the draft: draft-04, -06 (read as -07), -07, 2019-09, 2020-12. Without a known one, it is the first of\n' +
    '  2020-12, 07 and 04 that accepts the schema. A schema that none accepts is a 400. OpenAPI\'s `nullable` adds `null`.\n' +
    `* These formats are checked, as leniently as the more lenient one of zod and pydantic:\n  ${Object.keys(FORMATS).map(toCode).join(', ')}.\n` +
    '  Other formats, and texts of more than 8,192 characters, are not checked.\n' +
    '* Patterns have the meaning of ECMA-262 with the flag `u`. These are reported and not enforced: lookaround and back\n' +
    '  references, syntax of other languages (`\\A`, `(?i)`), syntax that languages read differently, and very long patterns.\n' +
    '* These keywords are not sent to a model, but checked and reported: `not`, `if`, `then`, `else`, `dependentRequired`,\n' +
    '  `dependentSchemas`, `propertyNames`, `unevaluatedProperties`. `$schema` and `$id` are not sent either.\n' +
    '* For a schema of more than 1,000 objects and lists, or 131,072 characters, and for a check that takes too much work, only\n' +
    '  valid JSON is required. Both are reported.\n' +
    '* If an answer does not fit, the proxy asks once more, and the better answer counts. If neither fits, a `strict` schema\n' +
    '  becomes a 400 `json_schema_mismatch` that SDKs do not repeat; without `strict` the answer is returned, with a change. An\n' +
    '  answer that was streamed as it was written is checked at its end.',
    '## Text completions',
    toCompletionTable(current),
    'The proxy itself handles lists of prompts, `n` and `echo`, on every model. Without `max_tokens` an answer ends after 16 tokens,\nor after DEFAULT_MAX_TOKENS if the model thinks first. `max_tokens: 0` calls no model; with `echo` it returns the prompt.\nThe model continues the prompt without a chat template; `raw: false` makes classic models use their chat template.',
    '## Embeddings',
    toEmbeddingTable([...CATALOGUE.values()].filter(({ task }) => task === 'text-embeddings')),
    '`dimensions` may have the values in the second and third columns; others are refused. A shortened embedding is normalized to\nlength 1. ' +
    'A call has at most 100 texts. If they share the model\'s window, it has only as many as fit by an estimate. A\ncall that Cloudflare refuses as too long is halved and repeated.',
    '## Refusals',
    toRefusalTable(),
    'Refusals with other codes, or without one, are interpreted by their status. A full context window and the exhausted daily\n' +
    'quota are also recognized by their text. Another model takes over if `MODEL_FALLBACKS` names one.',
    '## Models that are newer than this page',
    'An unknown model is served by its entry and its schema in Cloudflare\'s list; without these like the newest model of its\n' +
    'maker\'s line; otherwise with OpenAI\'s bodies and native tools. If Cloudflare refuses such a request, the proxy retries once in the\n' +
    'plainest form: text only, with tools and JSON in the prompt. If that is accepted, the proxy remembers it for an hour.',
    '## Retired models',
    'Cloudflare refuses these models (5028) from their retirement on. Until then, and while it still answers, they are served.\nAfterwards their successor answers, if there is one: see [retired-models.md](retired-models.md).',
    toRetiredTable(retired)
  ].join('\n\n') + '\n'
}

/** A column for each feature that differs between models, and then the reasons of the verdicts. */
function toSection (title: string, features: Feature[], models: Model[]): string[] {
  const columns = features.filter(feature => new Set(models.map(model => toFinding(model, feature).verdict)).size > 1)
  const rows = models.map(model => [toCode(model.id), ...columns.map(feature => toFinding(model, feature).verdict)])
  const remarks = new Map<string, Set<string>>()
  for (const feature of features) {
    const scope = columns.includes(feature) ? '' : ' on every model'
    for (const { verdict, reason } of models.map(model => toFinding(model, feature))) {
      if (reason === undefined && scope === '') continue
      const remark = `${verdict}${scope}${reason === undefined ? '' : `: ${reason}`}`
      remarks.set(remark, (remarks.get(remark) ?? new Set()).add(feature.title))
    }
  }
  return [
    `## ${title}`,
    toTable(['model', ...columns.map(column => column.title)], rows),
    [...remarks].map(([remark, titles]) => `* ${[...titles].join(', ')}, ${remark}`).join('\n')
  ]
}

function toRefusalTable (): string {
  return toTable(['code', 'status', 'answered as', 'retried', 'another model'], ERROR_CODES.map(({ code, status, sentence }) => {
    const error = new UpstreamError(sentence, { kind: 'refused', status, code })
    const { status: told, type, code: as } = toProxyError(error, new Date()) as ProxyError
    const { retry, fallback } = toFacts(error)
    return [String(code), String(status), `${told} ${toCode(as ?? type)}`, retry ? 'yes' : 'no', fallback ? 'yes' : 'no']
  }))
}

function toThinkingTable (models: Model[]): string {
  return toTable(['model', 'efforts', 'switch', 'default'], models.map(({ id, family: { thinking: { efforts, switch: name, isDefault, isMandatory } } }) => {
    const unasked = isDefault ? 'thinks' : '–'
    return [toCode(id), efforts.join(', ') || '–', name === undefined ? '–' : toCode(name), isMandatory ? 'always thinks' : unasked]
  }))
}

function toRetiredTable (models: Model[]): string {
  const shown = [...chat, ...tools, ...formats].filter(({ title }) => ['images', '`tools`', '`json_schema`'].includes(title))
  return toTable(['model', 'family', 'until', 'successor', 'context window', ...shown.map(({ title }) => title)], models.map(model => [
    toCode(model.id),
    model.family.name,
    model.retirement ?? '',
    model.successor === undefined ? '–' : toCode(model.successor),
    toCount(model.contextWindow),
    ...shown.map(feature => toFinding(model, feature).verdict)
  ]))
}

function toSamplingTable (models: Model[]): string {
  return toFamilyTable(models, SAMPLING.map(toCode), model => SAMPLING.map(name => toRange(model, name)))
}

function toCompletionTable (models: Model[]): string {
  return toFamilyTable(models, completions.map(({ title }) => title), model => completions.map(({ param, request }) => {
    const { changes } = toCompletionRunRequest({ model: model.id, prompt: 'Once', ...request }, model, OPTIONS)
    return changes.find(change => change.param === param)?.action ?? 'native'
  }))
}

/** Families of the same verdicts share a row. */
function toFamilyTable (models: Model[], titles: string[], toVerdicts: (model: Model) => string[]): string {
  const families = new Map<string, { names: Set<FamilyName>, verdicts: string[] }>()
  for (const model of models) {
    const verdicts = toVerdicts(model)
    const row = families.get(verdicts.join()) ?? { names: new Set(), verdicts }
    families.set(verdicts.join(), row)
    row.names.add(model.family.name)
  }
  return toTable(['families', ...titles], [...families.values()].map(({ names, verdicts }) => [[...names].join(', '), ...verdicts]))
}

function toEmbeddingTable (models: Model[]): string {
  return toTable(['model', 'dimensions', 'fewer', 'context window', 'other parameters'], models.map(({ id, dimensions, contextWindow }) => {
    const { cuts, extras, sharesWindow } = toEmbeddingFamily(id)
    const fewer = cuts === undefined ? '–' : 'range' in cuts ? `${cuts.range[0]} and more` : cuts.lengths.join(', ')
    return [toCode(id), toCount(dimensions), fewer, `${toCount(contextWindow)}${sharesWindow ? ' per call' : ''}`, extras.map(toCode).join(', ')]
  }))
}

function toRange (model: Model, name: SamplingName): string {
  const range = model.family.sampling[name]
  if (range === undefined) return '–'
  return name === 'seed' ? 'folded' : `${range[0]} to ${range[1]}`
}

function toFinding (model: Model, { request, params, isSent, instead }: Feature): Finding {
  let run: RunRequest
  try {
    run = translate(model, request)
  } catch (error) {
    if (error instanceof InvalidRequestError) return { verdict: 'refused' }
    throw error
  }
  const change = toWorst(run.changes.filter(({ param }) => params.includes(param)))
  switch (change?.action) {
    case 'dropped':
    case 'emulated': return { verdict: change.action, reason: change.reason }
    case 'clamped': return { verdict: `as ${String(change.to)}`, reason: change.reason }
    default: return isSent(run) ? { verdict: 'native' } : { verdict: 'emulated', reason: instead }
  }
}

/** What is dropped is neither emulated nor clamped. */
function toWorst (changes: Change[]): Change | undefined {
  return changes.find(({ action }) => action === 'dropped') ?? changes.find(({ action }) => action === 'emulated') ?? changes[0]
}

function translate (model: Model, request: Partial<GenerationRequest>): RunRequest {
  return toRunRequest({ model: model.id, messages: [USER], ...request }, model, OPTIONS)
}

function rolesOf (run: RunRequest): string[] {
  return (JSON.parse(bodyOf(run)) as { messages: Array<{ role: string }> }).messages.map(({ role }) => role)
}

function bodyOf (run: RunRequest): string {
  return toText(toBody(run, { stream: false, choice: 0, baseSeed: 1 }))
}

function isToldToThink ({ fields }: RunRequest): boolean {
  return 'reasoning_effort' in fields || 'chat_template_kwargs' in fields
}

function toNotes ({ tools, reasoning, vision, lora, beta, paidOnly }: Model): string {
  const notes = { tools, reasoning, vision, LoRA: lora, beta, 'paid plan': paidOnly }
  return Object.entries(notes).filter(([, isSo]) => isSo).map(([note]) => note).join(', ')
}

function toCount (tokens: number | undefined): string {
  return tokens?.toLocaleString('en') ?? '–'
}

function toCode (text: string): string {
  return `\`${text}\``
}

/** A table whose columns also stand below each other where nobody renders it. */
function toTable (titles: string[], rows: string[][]): string {
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]?.length ?? 0)))
  const toLine = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [toLine(titles), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(toLine)].join('\n')
}
