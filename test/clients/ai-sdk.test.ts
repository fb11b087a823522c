import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embed, embedMany, generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } from 'ai'
import t from 'tap'
import { z } from 'zod'
import { EMBEDDER, GLM, LLAMA, MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)
const compatible = createOpenAICompatible({ name: 'workers-ai', baseURL, includeUsage: true, supportsStructuredOutputs: true })
const openAi = createOpenAI({ baseURL, apiKey: 'unused' })

const PROVIDERS = [
  { name: 'openai-compatible', chat: (id: string) => compatible(id) },
  { name: 'openai, chat()', chat: (id: string) => openAi.chat(id) },
  { name: 'openai, responses', chat: (id: string) => openAi(id) }
]

const weather = z.object({ city: z.string(), degrees: z.number().int() })
const QUESTION = 'What is the weather in Oslo?'
const CALL = 'call tool get_weather with {"city":"Oslo"}'
const TWO_STEPS = [{ finishReason: 'tool-calls', toolCalls: [{ toolName: 'get_weather', input: { city: 'Oslo' } }] }, { finishReason: 'stop' }]

const tools = {
  get_weather: tool({
    description: 'The weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`
  })
}

async function read<Piece> (stream: AsyncIterable<Piece>): Promise<Piece[]> {
  const pieces: Piece[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

for (const { name, chat } of PROVIDERS) {
  for (const id of MODELS) {
    const model = chat(id)

    t.test(`${name}: ${id} writes a text`, async t => {
      const { text, finishReason, usage } = await generateText({ model, system: 'Be brief.', prompt: 'say Hello there' })
      t.equal(text, 'Hello there')
      t.equal(finishReason, 'stop')
      t.ok(usage.totalTokens && usage.totalTokens === (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0))
    })

    t.test(`${name}: ${id} streams a text, and says what it cost`, async t => {
      const result = streamText({ model, prompt: 'say one two three' })
      t.equal((await read(result.textStream)).join(''), 'one two three')
      t.equal(await result.finishReason, 'stop')
      t.ok((await result.usage).totalTokens)
    })

    t.test(`${name}: ${id} takes two steps with a tool, whole and streamed`, async t => {
      const { text, steps } = await generateText({ model, tools, stopWhen: stepCountIs(3), prompt: CALL })
      t.equal(text, 'The tool answered: sunny in Oslo')
      t.match(steps, TWO_STEPS)

      const streamed = streamText({ model, tools, stopWhen: stepCountIs(3), prompt: CALL })
      t.equal(await streamed.text, 'The tool answered: sunny in Oslo')
      t.match(await streamed.steps, TWO_STEPS)
      t.ok((await streamed.totalUsage).totalTokens)
    })

    t.test(`${name}: ${id} calls the tool it must`, async t => {
      const { toolCalls } = await generateText({ model, tools, toolChoice: { type: 'tool', toolName: 'get_weather' }, prompt: 'Good morning!' })
      t.match(toolCalls, [{ toolName: 'get_weather', input: { city: String } }])
    })

    t.test(`${name}: ${id} answers in the shape of a schema, whole and streamed`, async t => {
      const { object } = await generateObject({ model, schema: weather, prompt: QUESTION })
      t.match(object, { city: String, degrees: Number })

      const streamed = streamObject({ model, schema: weather, prompt: QUESTION })
      t.match((await read(streamed.partialObjectStream)).at(-1), object)
      t.match(await streamed.object, object)
    })

    t.test(`${name}: ${id} answers with a list, a choice and JSON of any shape`, async t => {
      const list = await generateObject({ model, output: 'array', schema: weather, prompt: QUESTION })
      t.match(list.object, [{ city: String, degrees: Number }])
      const choice = await generateObject({ model, output: 'enum', enum: ['rain', 'sun'], prompt: QUESTION })
      t.match(choice.object, /^(rain|sun)$/)
      const free = await generateObject({ model, output: 'no-schema', prompt: 'say {"rain":[true]}' })
      t.strictSame(free.object, { rain: [true] })
    })

    t.test(`${name}: ${id} uses a tool on its way to an answer in the shape of a schema`, async t => {
      const given = { model, tools, output: Output.object({ schema: weather }), stopWhen: stepCountIs(3), prompt: CALL }
      const whole = await generateText(given)
      t.match(whole.output, { city: String, degrees: Number })
      t.match(whole.steps, TWO_STEPS)

      const streamed = streamText(given)
      t.match((await read(streamed.partialOutputStream)).at(-1), whole.output)
      t.match(await streamed.steps, TWO_STEPS)
    })
  }
}

const SUMMARY = { openai: { reasoningSummary: 'auto', forceReasoning: true } }

for (const { name, model, providerOptions } of [
  { name: 'openai-compatible', model: compatible(GLM), providerOptions: {} },
  { name: 'openai, responses', model: openAi(GLM), providerOptions: SUMMARY }
]) {
  t.test(`${name}: what a model thought comes apart from its text`, async t => {
    const given = { model, providerOptions, prompt: 'think hard then say yes' }
    const whole = await generateText(given)
    t.match({ text: whole.text, reasoning: whole.reasoningText }, { text: 'yes', reasoning: 'hard' })
    const streamed = streamText(given)
    t.match({ text: await streamed.text, reasoning: await streamed.reasoningText }, { text: 'yes', reasoning: 'hard' })
  })

  t.test(`${name}: what a model thought before its call goes back with the result`, async t => {
    const { text, steps } = await generateText({ model, providerOptions, tools, stopWhen: stepCountIs(3), prompt: CALL })
    t.ok(steps.every(({ reasoningText }) => reasoningText))
    t.equal(text, 'The tool answered: sunny in Oslo')
  })
}

for (const { name, provider } of [{ name: 'openai-compatible', provider: compatible }, { name: 'openai', provider: openAi }]) {
  t.test(`${name}: texts are embedded, one and many`, async t => {
    const model = provider.embeddingModel(EMBEDDER)
    const values = Array.from({ length: 120 }, (_, index) => `text ${index}`)
    const { embeddings, usage } = await embedMany({ model, values })
    t.strictSame(embeddings.map(({ length }) => length), values.map(() => 1_024))
    t.ok(usage.tokens > 120)
    t.strictSame((await embed({ model, value: 'text 119' })).embedding, embeddings[119], 'in their order')
  })
}

for (const { name, model } of [{ name: 'openai-compatible', model: compatible.completionModel(LLAMA) }, { name: 'openai', model: openAi.completion(LLAMA) }]) {
  t.test(`${name}: a prompt is completed, whole and streamed`, async t => {
    const { text, finishReason } = await generateText({ model, prompt: 'say one two', maxOutputTokens: 9 })
    t.equal(finishReason, 'length')
    t.equal(await streamText({ model, prompt: 'say one two', maxOutputTokens: 9 }).text, text)
  })
}

t.test('a stream that breaks is an error, not an end', async t => {
  const errors: unknown[] = []
  const { fullStream } = streamText({ model: compatible(LLAMA), prompt: 'break after 3 frames, say 10 words', onError: ({ error }) => { errors.push(error) } })
  const types = (await read(fullStream)).map(({ type }) => type)
  t.ok(types.includes('text-delta'), 'what had come was read')
  t.ok(types.includes('error'))
  t.equal(errors.length, 1)
})

t.test('a failure arrives with its status, and says whether it may pass', async t => {
  const ask = (prompt: string) => generateText({ model: compatible(LLAMA), prompt, maxRetries: 0 })
  await t.rejects(ask('fail with code 4006'), { statusCode: 429, message: /daily free allocation/ })
  await t.rejects(ask('fail with code 8001'), { statusCode: 400, isRetryable: false, message: /Invalid input/ })
})
