import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { FAMILIES, restrictTo } from '../../../src/workers-ai/models/family.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { guessFamily, guessModel, ModelList, PAGE_SIZE, searchPage, toModels, toPlainest, type Hints } from '../../../src/workers-ai/models/model-list.ts'

const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const RETIRED = '@cf/meta/llama-2-7b-chat-int8'

function row (name: unknown, properties: Record<string, unknown> = {}, task = 'Text Generation', createdAt = '2026-10-01 00:00:00.000') {
  return {
    id: 'c9f5e2a0-0000-4000-8000-000000000000',
    name,
    task: { id: 'c329a1f9-323d-4e91-b2aa-582dd4188d34', name: task },
    created_at: createdAt,
    properties: Object.entries(properties).map(([id, value]) => ({ property_id: id, value }))
  }
}

function page (rows: unknown[], info?: { total_pages: number }) {
  return { success: true, errors: [], messages: [], result: rows, ...(info !== undefined && { result_info: info }) }
}

t.test('a row is read over what the catalogue knows', t => {
  const known = CATALOGUE.get(LLAMA)
  const created = Date.UTC(2026, 9, 1) / 1_000
  const { retirement, ...kimi } = CATALOGUE.get('@cf/moonshotai/kimi-k2.5') ?? {}
  const cases = [
    {
      name: 'live facts win',
      given: row(LLAMA, {
        context_window: '131072',
        function_calling: 'false',
        reasoning: 'true',
        vision: 'true',
        lora: true,
        beta: 'true',
        require_workers_paid: 'true',
        planned_deprecation_date: '2027-01-31',
        price: [
          { unit: 'per M input tokens', price: 1, currency: 'USD' },
          { unit: 'per M output tokens', price: 2, currency: 'USD' },
          { unit: 'per M cached input tokens', price: 0.5, currency: 'USD' },
          { unit: 'per audio minute', price: 9, currency: 'USD' }
        ]
      }),
      expected: {
        ...known,
        family: restrictTo(FAMILIES['classic-2025'], { tools: false, reasoning: true, json: true }),
        created,
        contextWindow: 131_072,
        tools: false,
        reasoning: true,
        vision: true,
        lora: true,
        beta: true,
        paidOnly: true,
        retirement: '2027-01-31',
        price: { input: 1, output: 2, cachedInput: 0.5 }
      }
    },
    { name: 'what the list does not state stays as known', given: row(LLAMA), expected: { ...known, created } },
    {
      name: 'odd values are not taken',
      given: row(LLAMA, { context_window: 'large', function_calling: 'maybe', price: [null, { unit: 'per M input tokens', price: '1' }], planned_deprecation_date: 'soon' }),
      expected: { ...known, created }
    },
    {
      name: `a model that is listed without an end did not end on ${retirement}`,
      given: row('@cf/moonshotai/kimi-k2.5'),
      expected: { ...kimi, created }
    },
    { name: 'an embedding model', given: row('@cf/baai/bge-m3', { max_input_tokens: '8192', output_dimensions: '1024' }, 'Text Embeddings'), expected: { ...CATALOGUE.get('@cf/baai/bge-m3'), created, contextWindow: 8_192 } }
  ]
  for (const { name, given, expected } of cases) t.same(toModels(page([given]))[0], expected, name)
  t.end()
})

t.test('a row the catalogue does not know gets a task and a family', t => {
  const cases = [
    { name: 'a chat model', given: row('@cf/new/chat', { function_calling: 'true' }), expected: { task: 'text-generation', family: 'openai' } },
    { name: 'a chat model that sees', given: row('@cf/new/eyes', {}, 'Image-Text-to-Text'), expected: { task: 'text-generation', family: 'classic-2025' } },
    { name: 'a model that answers questions about a state', given: row('@cf/cloudflare/clef-next'), expected: { task: 'other', family: 'classic' } },
    { name: 'an embedding model', given: row('@cf/new/embed', {}, 'Text Embeddings'), expected: { task: 'text-embeddings', family: 'classic' } },
    { name: 'an image model', given: row('@cf/new/paint', {}, 'Text-to-Image'), expected: { task: 'other', family: 'classic' } },
    { name: 'a model without a task', given: { name: '@cf/new/bare' }, expected: { task: 'other', family: 'classic' } }
  ]
  for (const { name, given, expected } of cases) {
    const [model] = toModels(page([given]))
    t.strictSame({ task: model?.task, family: model?.family.name }, expected, name)
  }
  t.end()
})

t.test('rows and pages that are no models are left out', t => {
  const names = [undefined, 42, 'openai/gpt-5', '@cf/meta', '@cf/meta/a/b', '@cf/../secret', '@cf/meta/..', '@cf/meta/a b', '@xx/meta/llama', `${LLAMA}\n`]
  t.strictSame(toModels(page([...names.map(name => row(name)), null, 'text', row(LLAMA)])).map(model => model.id), [LLAMA], 'names')
  for (const searchResult of [undefined, null, 'text', {}, { result: null }, { result: {} }]) {
    t.strictSame(toModels(searchResult), [], JSON.stringify(searchResult))
  }
  t.same(toModels({ result: [{ name: '@cf/new/chat', task: null, properties: [null, {}, 'x'] }] }).length, 1, 'odd properties')
  t.end()
})

t.test('guessFamily tells new models from old ones', t => {
  const nothing: Hints = { tools: false, reasoning: false, vision: false }
  const cases = [
    { name: 'nothing known', given: nothing, expected: 'classic-2025' },
    { name: 'it reasons', given: { ...nothing, reasoning: true }, expected: 'openai' },
    { name: 'it sees', given: { ...nothing, vision: true }, expected: 'openai' },
    { name: 'a large window', given: { ...nothing, contextWindow: 100_000 }, expected: 'openai' },
    { name: 'a small window', given: { ...nothing, contextWindow: 32_768 }, expected: 'classic-2025' },
    { name: 'tools, and new', given: { ...nothing, tools: true, createdAt: '2025-09-01 08:00:00.000' }, expected: 'openai' },
    { name: 'tools, but old', given: { ...nothing, tools: true, createdAt: '2025-08-31 08:00:00.000' }, expected: 'classic-2025' },
    { name: 'tools of unknown age', given: { ...nothing, tools: true }, expected: 'classic-2025' }
  ]
  for (const { name, given, expected } of cases) t.equal(guessFamily(given), expected, name)
  t.end()
})

t.test('an unknown id is taken for the newest of its maker\'s line, else for one of these days', t => {
  t.match(guessModel('@cf/moonshotai/kimi-k3' as ModelId), { task: 'text-generation', guessed: 'everything', tools: true, vision: true, family: { name: 'kimi', bothMaxTokensNames: true, tools: 'native' } })
  t.match(guessModel('@cf/new/chat' as ModelId), { task: 'text-generation', guessed: 'everything', tools: true, vision: false, family: { name: 'openai', bothMaxTokensNames: true, tools: 'native', jsonSchema: 'envelope' } })
  t.equal(guessModel('@cf/moonshotai/kimi-k3' as ModelId).contextWindow, undefined, 'nothing is known of its window')
  t.match(guessModel('@cf/meta/llama-3.4-9b-instruct' as ModelId), { family: { name: 'classic-2025', maxTokensName: 'max_tokens' } })
  t.match(guessModel('@cf/new/embedder' as ModelId, 'text-embeddings'), { task: 'text-embeddings' }, 'unless it is asked for something else')
  t.equal(guessModel('@cf/baai/bge-m3' as ModelId).task, 'text-embeddings', 'what the catalogue knows stands')
  const [listed] = toModels(page([row('@cf/moonshotai/kimi-k3', { reasoning: 'true' })]))
  t.match(listed, { guessed: 'family', tools: false, reasoning: true, json: true, family: { name: 'kimi', tools: 'prompt' } }, 'what is listed of it stands')
  t.end()
})

t.test('the least a guessed model can be is what every model takes', t => {
  t.match(toPlainest(guessModel('@cf/moonshotai/kimi-k3' as ModelId)), { id: '@cf/moonshotai/kimi-k3', tools: false, vision: false, family: { name: 'classic-2025', content: 'string', tools: 'prompt', jsonSchema: 'none' } })
  t.end()
})

/** A list over pages that can be changed, at a time that can be moved. */
function world (pages: Array<() => unknown>, firstWaitMs = 10_000) {
  const state = { time: 0, asked: [] as number[], errors: [] as unknown[], pages }
  const list = new ModelList({
    fetchPage: async number => {
      state.asked.push(number)
      await sleep(1)
      return state.pages[number - 1]?.()
    },
    now: () => state.time,
    firstWaitMs,
    onError: error => state.errors.push(error)
  })
  return { state, list, ids: async () => (await list.current()).map(model => model.id) }
}

/** Long enough for a refresh in the background whose pages come at once. */
async function settle () {
  await sleep(20)
}

t.test('ModelList reads every page', async t => {
  const full = Array.from({ length: PAGE_SIZE }, (_, index) => row(`@cf/new/model-${index}`))

  t.test('until a short one', async t => {
    const { state, ids } = world([() => page(full), () => page([row(LLAMA), row('@cf/new/model-0')])])
    t.equal((await ids()).length, PAGE_SIZE + 1, 'a model on two pages counts once')
    t.strictSame(state.asked, [1, 2])
  })

  t.test('until the last by number', async t => {
    const { state, ids } = world([() => page([row('@cf/new/a')], { total_pages: 2 }), () => page(full, { total_pages: 2 })])
    t.equal((await ids()).length, PAGE_SIZE + 1)
    t.strictSame(state.asked, [1, 2])
  })

  t.test('but not for ever', async t => {
    const { state, ids } = world(Array.from({ length: 30 }, () => () => page(full)))
    await ids()
    t.equal(state.asked.length, 20)
  })
})

t.test('ModelList refreshes in the background', async t => {
  const { state, list, ids } = world([() => page([row('@cf/new/first')])])
  t.strictSame(await ids(), ['@cf/new/first'])

  state.pages = [() => page([row('@cf/new/second')])]
  state.time = 9 * 60_000
  t.strictSame(await ids(), ['@cf/new/first'], 'not before its time')
  t.equal(state.asked.length, 1)

  state.time = 10 * 60_000
  t.strictSame(await Promise.all([ids(), ids()]), [['@cf/new/first'], ['@cf/new/first']], 'nobody waits')
  await settle()
  t.strictSame(await ids(), ['@cf/new/second'])
  t.equal(state.asked.length, 2, 'and it is fetched once')
  t.equal(list.find('@cf/new/first'), undefined)
  t.equal(list.find('@cf/new/second')?.id, '@cf/new/second')
})

t.test('ModelList lives without a live list', async t => {
  const { state, list, ids } = world([() => { throw new Error('Authentication error') }])
  t.strictSame(await ids(), [...CATALOGUE.keys()], 'the catalogue stands in')
  t.equal(list.find(RETIRED)?.id, RETIRED)
  t.equal(state.errors.length, 1)

  state.time = 59_000
  await ids()
  t.equal(state.asked.length, 1, 'it is not asked again at once')

  state.time = 60_000
  await ids()
  await settle()
  t.equal(state.asked.length, 2, 'but after a minute')
  t.equal(state.errors.length, 1, 'and the same failure is not reported twice')

  state.pages = [() => page([row(LLAMA)])]
  state.time = 120_000
  await ids()
  await settle()
  t.strictSame(await ids(), [LLAMA], 'until it works')
  t.equal(list.find(RETIRED), CATALOGUE.get(RETIRED), 'a model that is gone is not listed, but still found')
  t.ok([...list.ids()].includes(RETIRED))
  t.strictSame(list.known().map(model => model.id), [LLAMA])

  state.pages = [() => page([])]
  state.time += 600_000
  await ids()
  await settle()
  t.strictSame(await ids(), [LLAMA], 'an empty list is a failure, and the last good one stays')
  t.equal(state.errors.length, 2, 'which is reported, as it had worked before')
})

t.test('ModelList makes the first callers wait, but not for long', async t => {
  let answer = (_: unknown) => {}
  const listing = new Promise(resolve => { answer = resolve })
  const slow = world([() => listing], 50)
  t.equal(slow.list.find('@cf/new/unknown'), undefined, 'find never waits')
  t.strictSame(await slow.ids(), [...CATALOGUE.keys()], 'the catalogue stands in')
  answer(page([row(LLAMA)]))
  await settle()
  t.strictSame(await slow.ids(), [LLAMA], 'the live list comes when it comes')
  t.strictSame(slow.state.asked, [1])

  const quick = world([() => page([row(LLAMA)])])
  t.strictSame(await Promise.all([quick.ids(), quick.ids()]), [[LLAMA], [LLAMA]], 'callers at the same time share the wait')
})

t.test('a page is asked for with as many rows as Cloudflare gives', async t => {
  const asked: unknown[] = []
  await searchPage({ getJson: async (path, query) => { asked.push(path, query); return {} } }, 2)
  t.strictSame(asked, ['/ai/models/search', { per_page: '100', page: '2' }])
})

t.test('how a model thinks is what the list says, and what the catalogue says else', t => {
  const GLM_5_3 = '@cf/zai-org/glm-5.3'
  const NEW = '@cf/new/thinker'
  const mandatory = { supported_efforts: ['max', 'high', 'low'], default_effort: 'max', normalizes_to: { none: 'max', medium: 'max', null: 'max' }, mandatory: true }
  const always = { efforts: ['low', 'high', 'max'], isMandatory: true, isDefault: true, switch: undefined }
  const cases = [
    { name: 'a model that always thinks', given: row(GLM_5_3, { reasoning_effort: mandatory }), expected: always },
    { name: 'an unknown one', given: row(NEW, { reasoning_effort: mandatory }), expected: always },
    { name: 'as text', given: row(NEW, { reasoning_effort: JSON.stringify(mandatory) }), expected: always },
    { name: 'one that may think', given: row('@cf/moonshotai/kimi-k2.6', { reasoning_effort: { supported_efforts: ['high', 'none'], default_enabled: 'false', mandatory: 'false' } }), expected: { efforts: ['none', 'high'], isMandatory: false, isDefault: false, switch: 'thinking' } },
    { name: 'other efforts than are known', given: row(GLM_5_3, { reasoning_effort: { supported_efforts: ['medium'], mandatory: false, default_enabled: true } }), expected: { efforts: ['medium'], isMandatory: false, isDefault: true } },
    { name: 'nothing', given: row(GLM_5_3), expected: { efforts: ['low', 'high', 'max'], isMandatory: true } },
    ...[null, 'true', '{', 5, {}, { supported_efforts: ['much'] }].map(value => ({ name: `nothing that can be read: ${JSON.stringify(value)}`, given: row(GLM_5_3, { reasoning_effort: value }), expected: { efforts: ['low', 'high', 'max'], isMandatory: true } }))
  ]
  for (const { name, given, expected } of cases) {
    const thinking = toModels(page([given]))[0]?.family.thinking
    for (const [member, value] of Object.entries(expected)) t.strictSame(thinking?.[member as keyof typeof thinking], value, `${name}: ${member}`)
  }
  t.equal(toModels(page([row(NEW, { reasoning_effort: mandatory })]))[0]?.reasoning, true, 'what takes an effort thinks')
  t.end()
})

t.test('a window is what can be used of it', t => {
  const windowOf = (name: string, properties: Record<string, unknown>) => toModels(page([row(name, properties)]))[0]?.contextWindow
  t.equal(windowOf('@cf/zai-org/glm-5.3', { context_window: '1310720' }), 1_048_576)
  t.equal(windowOf('@cf/zai-org/glm-5.3', { context_window: '1000' }), 1_000)
  t.equal(windowOf('@cf/zai-org/glm-5.3', {}), 1_048_576)
  t.equal(windowOf('@cf/zai-org/glm-5.3-flash', {}), 1_048_576)
  t.end()
})

t.test('a classic model nobody knows gets the ranges that both classic schemas take', t => {
  t.match(toModels(page([row('@cf/new/old')]))[0]?.family.sampling, { top_p: [0.001, 1], frequency_penalty: [0, 2], presence_penalty: [0, 2] })
  t.end()
})
