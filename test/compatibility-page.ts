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

/** Something a caller may ask for, and how to see what becomes of it. */
interface Feature {
  title: string
  /** A request that asks for it. */
  request: Partial<GenerationRequest>
  /** The parameters whose changes tell what became of it. */
  params: string[]
  /** Whether it reaches the model as it was asked for. */
  isSent: (run: RunRequest) => boolean
  /** What is done where it does not, and no change says so. */
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
    instead: 'joined into one text by line breaks, which every model takes'
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
    instead: 'the proxy ends the answer at the sequence itself'
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
    instead: 'the answer is waited for, and then told as a stream'
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
    instead: 'the answer is waited for, checked, and then told as a stream'
  }
]

/** What a text completion may ask for, and the parameter whose change tells what became of it. */
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
    'What becomes of OpenAI\'s chat parameters, model by model, with the default settings.',
    '> This page is generated: each verdict is what the translator does with a request that asks for the feature, and a test\n' +
    '> compares the page with it. `UPDATE_DOCS=1 npx tap run --disable-coverage test/compatibility.test.ts` writes it anew.',
    '| verdict | meaning |\n|---|---|\n' +
    '| native | the model gets it, maybe by another name or in another form |\n' +
    '| emulated | the model does not take it; the proxy sees to it, and says so in `x-proxy-warnings` where it may matter |\n' +
    '| as X | the model gets X, the nearest it knows; `x-proxy-warnings` says so |\n' +
    '| dropped | it is left out, and `x-proxy-warnings` says so; with `UNSUPPORTED_PARAMS=reject` it is refused |\n' +
    '| refused | the request is answered with 400, naming the parameter |',
    '`GET /v1/models/{id}` tells the same of one model, also of one that is too new for this page, under `workers_ai`.',
    '## Models',
    toTable(['model', 'family', 'context window', 'max. output', 'notes'], current.map(model =>
      [toCode(model.id), model.family.name, toCount(model.contextWindow), toCount(model.maxOutputTokens), toNotes(model)])),
    'Windows and outputs are in tokens; – is not known, or no less than the window. `max_tokens` and `max_completion_tokens`\n' +
    `both set the limit of the answer, thinking included; without either it is ${OPTIONS.defaultMaxTokens}, or what the window leaves.`,
    '## Sampling',
    toSamplingTable(current),
    'What lies outside is clamped, and `x-proxy-warnings` says so; – is dropped. Seeds are folded into 1 to 9999999999, the same\nway each time. What turns a parameter off on other servers is left out, and not clamped into its opposite: `top_k` of 0 or\n-1, a `repetition_penalty` of 0 or less, a `seed` of -1.',
    ...toSection('Messages and answers', chat, current),
    'Whatever the model, in a chat and in a response, each with a word in `x-proxy-warnings`:\n\n' +
    '* Results of several calls go up in the order of the calls, and say which they answer where the model is told no ids.\n' +
    '* Images that a tool gave back follow in a user\'s message. An image is sent as what its bytes say it is; base64 in lines,\n' +
    '  without padding, in the alphabet for URLs or without a data URI around it is brought into the standard form.\n' +
    '* Parts may be in the words of a chat or of a response; images also in those of Anthropic, MCP and LangChain, or in\n' +
    '  Ollama\'s `images` beside the text.\n' +
    '* Earlier thinking is read in `reasoning_content`, `reasoning`, `reasoning_details`, `thinking_blocks`, `reasoning_text`,\n' +
    '  `thinking` or a part, and sent to models whose template reads it.\n' +
    '* Custom tools are functions with one argument of text, also in a history. A grammar is told in words, and not enforced.\n' +
    '* Llama Guard judges what the user and the assistant say by turns: system messages and a greeting are left out, calls are\n' +
    '  told as text, and messages of one of them in a row are one.\n' +
    '* Every other member of a message or a part, such as `cache_control` or `annotations`, is dropped.',
    'A usage Workers AI does not tell, or tells in zeros, is estimated; log probabilities it was asked for and does not tell are\n`missing`. `x-proxy-warnings` says both. Numbers that come as numbers are told digit by digit, as text and in JSON.',
    '## Thinking',
    toThinkingTable(current.filter(({ family: { thinking } }) => thinking.efforts.length > 0 || thinking.switch !== undefined)),
    [
      'An effort a model does not have becomes the nearest it has, the higher of two; only `none` turns thinking off, and what',
      'always thinks thinks the least then. An effort is never sent beside a switch. What the live model list says of',
      '`reasoning_effort` comes before this table. Other servers\' words mean the same, in chats, responses and completions with a',
      'chat template: `reasoning: {effort, enabled, max_tokens, exclude}` and `include_reasoning`, `thinking: {type,',
      'budget_tokens}`, `enable_thinking`, `thinking_budget`, and either switch in `chat_template_kwargs`.'
    ].join('\n'),
    ...toSection('Tools', tools, current),
    'Whatever the model:\n\n' +
    '* A call that a model wrote into its text or thinking becomes a call, plain and streamed, when it names a tool that was\n' +
    '  offered; anything else stays text. Read are the forms of these lines of models, whichever model wrote them:\n' +
    '  `<tool_call>` of hermes, qwen, mistral and GLM with JSON, `<function=…>` or `<arg_key>`; `<function=…>` of llama, qwen\n' +
    '  coder and nemotron; `<|python_tag|>`, `<|python_start|>` of llama 3 and 4; `<|tool_call|>`, `<TOOLCALL>`,\n' +
    '  `<tool_calls>`, `<|tool_call_start|>` of granite, phi, nemotron, jamba and LFM; `[TOOL_CALLS]` of mistral; the sections\n' +
    '  of kimi; `call:name{…}` of gemma 4 and functiongemma; the channels of gpt-oss; the calls of deepseek 3, R1 and 3.1, and\n' +
    '  DSML of 3.2 and 4; `<invoke name="…">` of minimax and others; and without a mark, also in a code fence: JSON with a\n' +
    '  name and arguments or parameters, a list of it, and `[name(key=value)]`.\n' +
    '* A decorated name is the tool it means: without marks of a template, a namespace and the number of the call\n' +
    '  (`functions.get_weather:0`, `get_weather<|channel|>analysis`), or as the end of the only name that ends so.\n' +
    '* Arguments are mended where that is harmless: nearly JSON, encoded twice, numbers, lists and objects as text, `null` for\n' +
    '  what may be left out, marks of a template around texts (`<|"|>`, `<escape>`). What fits its schema, and what cannot be\n' +
    '  mended, passes as it was written. From streams that tell arguments as they come only the marks are taken out.\n' +
    '* Parameters are sent without what strict readers refuse, at any depth. What means nothing goes without a word: nulls, an\n' +
    '  empty `enum`, `anyOf`, `type` or `items`, `required: false`, an empty list where a map of schemas belongs; a root that is\n' +
    '  a `$ref` becomes what it refers to. What is no JSON Schema is dropped, and told.',
    ...toSection('Structured output', formats, current),
    'Answers are checked against the caller\'s schema, whatever the model enforces:\n\n' +
    '* The draft is the one `$schema` names: draft-04, -06 (read as -07), -07, 2019-09, 2020-12. Without one, or with an address\n' +
    '  nobody knows, it is the first of 2020-12, 07 and 04 that takes the schema. One that none takes is a 400. OpenAPI\'s\n' +
    '  `nullable` adds `null`.\n' +
    `* These formats are checked, as leniently as the more lenient of zod and pydantic:\n  ${Object.keys(FORMATS).map(toCode).join(', ')}.\n` +
    '  Others are not, nor are texts of more than 8,192 characters.\n' +
    '* Patterns mean what ECMA-262 has them mean with the flag `u`. Not enforced, and told, is what looks around or refers back,\n' +
    '  what only another language reads (`\\A`, `(?i)`) or languages read differently, and what is very long.\n' +
    '* Not sent to a model, checked all the same, and told: `not`, `if`, `then`, `else`, `dependentRequired`, `dependentSchemas`,\n' +
    '  `propertyNames`, `unevaluatedProperties`. `$schema` and `$id` are not sent either.\n' +
    '* Of a schema of more than 1,000 objects and lists, or 131,072 characters, only that the answer is JSON is checked; so it is\n' +
    '  when a check takes too much work. Both are told.\n' +
    '* An answer that does not fit is asked for once more, and the better of the two counts. If that does not fit either, a\n' +
    '  `strict` schema ends as a 400 `json_schema_mismatch` that SDKs do not repeat, another one as the answer, with a change. A\n' +
    '  stream that was told as it was written is judged at its end.',
    '## Text completions',
    toCompletionTable(current),
    'Lists of prompts, `n` and `echo` are the proxy\'s doing on every model, and without `max_tokens` an answer ends after 16\ntokens, or DEFAULT_MAX_TOKENS where a model thinks first. `max_tokens: 0` asks nobody: with `echo` the prompt comes back.\nA prompt is gone on with as it stands; `raw: false` has classic models put their chat template around it.',
    '## Embeddings',
    toEmbeddingTable([...CATALOGUE.values()].filter(({ task }) => task === 'text-embeddings')),
    '`dimensions` may be what the second column says or the third; anything else is refused. An embedding that is cut has the\nlength 1 again. ' +
    'A call has 100 texts at most, and where it shares its window no more than fit by a guess; one that\nCloudflare refuses as too long is halved and asked for again.',
    '## Refusals',
    toRefusalTable(),
    'What Cloudflare refuses with other codes, or without one, is judged by its status; what does not fit a context window and the\n' +
    'day\'s free neurons also by their words. Another model takes over where `MODEL_FALLBACKS` names one.',
    '## Models that are newer than this page',
    'A model nobody knows is served by what Cloudflare\'s list and its schema say of it, else as the newest of its maker\'s line, else\n' +
    'with OpenAI\'s bodies and native tools. What such a guess is refused is asked for once more as plainly as can be: text only, tools\n' +
    'and JSON in words. Where that is taken, it is remembered for an hour.',
    '## Retired models',
    'Cloudflare refuses these (5028) from their day on; until then, and wherever it still answers, they are served. Then their\nsuccessor is asked, where there is one: see [retired-models.md](retired-models.md).',
    toRetiredTable(retired)
  ].join('\n\n') + '\n'
}

/** A column for each feature that is not the same on every model, and then why the verdicts are what they are. */
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
  return toTable(['code', 'status', 'told as', 'repeated', 'another model'], ERROR_CODES.map(({ code, status, sentence }) => {
    const error = new UpstreamError(sentence, { kind: 'refused', status, code })
    const { status: told, type, code: as } = toProxyError(error, new Date()) as ProxyError
    const { retry, fallback } = toFacts(error)
    return [String(code), String(status), `${told} ${toCode(as ?? type)}`, retry ? 'yes' : 'no', fallback ? 'yes' : 'no']
  }))
}

function toThinkingTable (models: Model[]): string {
  return toTable(['model', 'efforts', 'switch', 'unasked'], models.map(({ id, family: { thinking: { efforts, switch: name, isDefault, isMandatory } } }) => {
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
    return [toCode(id), toCount(dimensions), fewer, `${toCount(contextWindow)}${sharesWindow ? ' a call' : ''}`, extras.map(toCode).join(', ')]
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
