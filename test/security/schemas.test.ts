import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { slowness } from '../cpu-time.ts'
import { LLAMA, MISTRAL, saying } from '../servers/start-proxy.ts'
import { startRecordedUpstream } from '../servers/recorded-upstream.ts'

type Body = Record<string, unknown>

/** The longest time `/health` may take to answer, in milliseconds, on a machine that does nothing else. */
const PATIENCE_MS = 1_000

/** Each level is checked twice for each one above it. */
function doubling (levels: number, keyword = 'allOf'): Body {
  const $defs = Object.fromEntries(Array.from({ length: levels }, (_, level) => {
    const below = { $ref: `#/$defs/level${level + 1}` }
    return [`level${level}`, { [keyword]: [below, below] }]
  }))
  return { $defs: { ...$defs, [`level${levels}`]: { title: 'bottom' } }, $ref: '#/$defs/level0' }
}

function properties (count: number, more: object = {}): Body {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, { type: 'string', description: 'a thing', ...more }]))
}

const nested = (levels: number) => `${'('.repeat(levels)}a${')*'.repeat(levels)}`
const text = (pattern: string): Body => ({ type: 'object', properties: { text: { type: 'string', pattern } } })
const format = (schema: object, strict = true) => ({ response_format: { type: 'json_schema', json_schema: { name: 'trap', strict, schema } } })
const toolOf = (parameters: object, name = 'trap') => ({ type: 'function', function: { name, parameters } })
const letters = (count: number) => JSON.stringify({ text: `${'a'.repeat(count)}!` })

interface Case {
  name: string
  body: Body
  /** What the model answers. */
  answer: string
  /** How many such requests come at the same time; 1 when absent. */
  atOnce?: number
  status?: number
  /** What is told of it. */
  warning?: RegExp
}

/** Has all of a case asked, and looks at how long `/health` and the server's event loop were kept waiting meanwhile. */
async function inTime (t: Test, server: BuiltServer, name: string, asked: Promise<unknown>): Promise<void> {
  const over = asked.then(() => true)
  let slowest = 0
  do {
    const began = performance.now()
    await (await fetch(`${server.url}/health`)).text()
    slowest = Math.max(slowest, performance.now() - began)
  } while (!await Promise.race([over, setImmediate(false)]))
  const { maxDelayMs } = await server.vitals()
  const times = slowness()
  // What this process needs for itself to ask and to answer is none of the server's.
  const delay = Math.min(slowest, maxDelayMs)
  largest = Math.max(largest, delay / times)
  t.ok(delay < PATIENCE_MS * times, `${name}: /health took ${Math.round(slowest)} ms at most, the event loop ${Math.round(maxDelayMs)} ms, of which others had ${Math.round(100 - 100 / times)} %`)
}

let largest = 0
t.teardown(() => t.comment(`the largest delay: ${Math.round(largest)} ms`))

async function ask (url: string, body: object): Promise<{ status: number, warnings: string, text: string }> {
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return { status: response.status, warnings: response.headers.get('x-proxy-warnings') ?? '', text: await response.text() }
}

async function startServer (t: Test) {
  let answer: object = {}
  const upstream = await startRecordedUpstream(t, () => ({ body: answer }))
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: upstream.url, LOG_LEVEL: 'trace' })
  return { server, say: (native: object) => { answer = { success: true, errors: [], messages: [], result: native } } }
}

t.test('whatever a schema says, others are answered in time', async t => {
  const { server, say } = await startServer(t)
  const distinct = (schema: Body, n: number) => ({ ...schema, title: `schema ${n}` })
  const cases: Case[] = [
    { name: 'a pattern of 6 KB that is compiled for ever', body: format(text(nested(2_000))), answer: letters(10), warning: /schema\.pattern dropped/ },
    { name: 'one of 3.6 KB', body: format(text(nested(1_200))), answer: letters(10), warning: /schema\.pattern dropped/ },
    { name: 'one of 27 KB', body: format(text('(a)'.repeat(9_000)), false), answer: letters(10), warning: /schema\.pattern dropped/ },
    { name: 'repetitions of repetitions', body: format(text('((a{1,100}){1,100}){1,100}')), answer: letters(100), warning: /schema\.pattern dropped/ },
    { name: 'a pattern that is matched for ever, for eight choices', body: { ...format(text('^(a+)+$'), false), n: 8 }, answer: letters(40), atOnce: 20, warning: /response_format dropped/ },
    { name: 'a long answer for eight choices', body: { ...format(text('^(a|aa|b?){1,30}$'), false), n: 8 }, answer: letters(20_000), atOnce: 5, warning: /schema dropped/ },
    { name: 'a pattern of names', body: format({ type: 'object', patternProperties: { [nested(2_000)]: {}, '^(a+)+$': {} }, additionalProperties: false }), answer: JSON.stringify({ ['a'.repeat(60)]: 1 }), warning: /schema\.pattern dropped/ },
    { name: 'a schema of 6.4 MB', body: format({ type: 'object', description: 'x'.repeat(6_400_000) }), answer: '{}', warning: /schema dropped/ },
    { name: 'a schema of 20,000 properties', body: format({ type: 'object', properties: properties(20_000) }), answer: '{}', warning: /schema dropped/ },
    { name: 'large schemas, all different', body: format({ type: 'object', properties: properties(900) }), answer: '{}', atOnce: 10 },
    { name: 'allOf that doubles', body: format(doubling(60)), answer: '{}', atOnce: 10, warning: /schema dropped/ },
    { name: 'anyOf that doubles', body: { ...format(doubling(60, 'oneOf')), n: 8 }, answer: '{}', warning: /schema dropped/ },
    { name: 'a schema that is itself', body: format({ $ref: '#' }), answer: '{}', warning: /schema dropped/ },
    { name: 'items that must differ', body: format({ type: 'array', uniqueItems: true }), answer: JSON.stringify(Array.from({ length: 100_000 }, () => [])), warning: /schema dropped/ },
    { name: 'a large enum', body: format({ type: 'array', items: { enum: Array.from({ length: 9_000 }, (_, n) => `word ${n}`) } }), answer: JSON.stringify(Array.from({ length: 20_000 }, () => 'word')), warning: /schema dropped/ },
    { name: '128 tools of 1,500 properties', body: { tools: Array.from({ length: 128 }, (_, n) => toolOf({ type: 'object', properties: properties(1_500) }, `tool${n}`)) }, answer: 'Hello.' }
  ]
  for (const { name, body, answer, atOnce = 1, status = 200, warning } of cases) {
    say({ response: answer, usage: { prompt_tokens: 1, completion_tokens: 1 } })
    const bodies = Array.from({ length: atOnce }, (_, n) => {
      const { response_format: given } = body as { response_format?: { json_schema: { schema: Body } } }
      return saying('hi', { ...body, model: MISTRAL, ...(given && { response_format: { ...given, json_schema: { ...given.json_schema, schema: distinct(given.json_schema.schema, n) } } }) })
    })
    const asked = Promise.all(bodies.map(one => ask(server.url, one)))
    await inTime(t, server, name, asked)
    for (const one of await asked) {
      if (one.status !== status) t.fail(`${name}: ${one.status} ${one.text.slice(0, 300)}`)
      if (warning && !warning.test(one.warnings)) t.fail(`${name}: ${one.warnings}`)
    }
  }
  t.notMatch(server.stdout(), /uncaught|"level":50/)
})

t.test('whatever a tool\'s schema says, its arguments are passed on', async t => {
  const { server, say } = await startServer(t)
  const many = Array.from({ length: 128 }, (_, n) => toolOf({ type: 'object', properties: { ...properties(300), n: { type: 'integer' } } }, `tool${n}`))
  const cases: Array<{ name: string, tools: object[], calls: Array<{ name: string, arguments: unknown }>, atOnce?: number }> = [
    { name: 'a pattern that is compiled for ever', tools: [toolOf(text(nested(2_000)))], calls: [{ name: 'trap', arguments: { text: 'aaa' } }] },
    { name: 'a pattern that is matched for ever', tools: [toolOf(text('^(a|a)*$'))], calls: Array.from({ length: 100 }, () => ({ name: 'trap', arguments: JSON.parse(letters(2_000)) })) },
    { name: 'one that doubles', tools: [toolOf({ ...doubling(60), type: 'object', properties: { n: { type: 'integer' } } })], calls: [{ name: 'trap', arguments: { n: '1' } }], atOnce: 10 },
    { name: 'many tools, each called', tools: many, calls: many.map((_, n) => ({ name: `tool${n}`, arguments: { n: '1' } })) }
  ]
  for (const { name, tools, calls, atOnce = 1 } of cases) {
    say({ response: '', tool_calls: calls, usage: { prompt_tokens: 1, completion_tokens: 1 } })
    const asked = Promise.all(Array.from({ length: atOnce }, () => ask(server.url, saying('hi', { model: LLAMA, tools }))))
    await inTime(t, server, name, asked)
    for (const { status, text } of await asked) {
      t.equal(status, 200, name)
      t.equal(JSON.parse(text).choices[0].message.tool_calls.length, calls.length, name)
    }
  }
})

t.test('an answer that takes for ever to mend stays as it is', async t => {
  const { server, say } = await startServer(t)
  const endless = [`{"a":${'"b'.repeat(49_000)}`, `[${'1 '.repeat(45_000)}`, `{${'a:1 '.repeat(24_000)}`]
  for (const answer of endless) {
    say({ response: answer, usage: { prompt_tokens: 1, completion_tokens: 1 } })
    for (const body of [{ response_format: { type: 'json_object' } }, { tools: [toolOf({ type: 'object' })] }]) {
      const asked = ask(server.url, saying('hi', { model: MISTRAL, ...body, n: 8 }))
      await inTime(t, server, answer.slice(0, 10), asked)
      t.equal((await asked).status, 200)
    }
  }
})
