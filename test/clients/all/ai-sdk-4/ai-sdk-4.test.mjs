import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, generateObject, generateText, streamObject, streamText, tool } from 'ai'
import t from 'tap'
import { z } from 'zod'
import { EMBEDDER, GLM, LLAMA, startServer } from '../../start-server.ts'

const { baseURL } = await startServer(t)
const compatible = createOpenAICompatible({ name: 'workers-ai', baseURL })
const openAi = createOpenAI({ baseURL, apiKey: 'unused', compatibility: 'strict' })

const PROVIDERS = [
  // of a schema it knows the form of a tool only
  { name: 'openai-compatible', mode: 'tool', chat: id => compatible(id) },
  { name: 'openai, chat', mode: 'json', chat: id => openAi.chat(id, { structuredOutputs: true }) },
  { name: 'openai, responses', mode: 'json', chat: id => openAi.responses(id) }
]

const tools = { get_weather: tool({ description: 'The weather of a city', parameters: z.object({ city: z.string() }), execute: async ({ city }) => `sunny in ${city}` }) }
const schema = z.object({ city: z.string(), degrees: z.number().int() })

async function read (stream) {
  const pieces = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

for (const { name, mode, chat } of PROVIDERS) {
  for (const id of [LLAMA, GLM]) {
    const model = chat(id)

    t.test(`${name}: ${id} writes a text, whole and streamed`, async t => {
      const { text, finishReason, usage } = await generateText({ model, prompt: 'say Hello there' })
      t.match({ text, finishReason }, { text: 'Hello there', finishReason: 'stop' })
      t.ok(usage.totalTokens)
      const streamed = streamText({ model, prompt: 'say one two three' })
      t.equal((await read(streamed.textStream)).join(''), 'one two three')
      t.equal(await streamed.finishReason, 'stop')
    })

    t.test(`${name}: ${id} takes two steps with a tool, whole and streamed`, async t => {
      const given = { model, tools, maxSteps: 3, prompt: 'call tool get_weather with {"city":"Oslo"}' }
      const { text, steps } = await generateText(given)
      t.match(text, /sunny in Oslo/)
      t.match(steps, [{ finishReason: 'tool-calls', toolCalls: [{ args: { city: 'Oslo' } }] }, { finishReason: 'stop' }])
      t.match((await read(streamText(given).textStream)).join(''), /sunny in Oslo/)
    })

    t.test(`${name}: ${id} answers in the shape of a schema, whole and streamed`, async t => {
      const given = { model, schema, mode, prompt: 'What is the weather in Oslo?' }
      t.match((await generateObject(given)).object, { city: String, degrees: Number })
      t.match((await read(streamObject(given).partialObjectStream)).at(-1), { city: String, degrees: Number })
    })
  }

  t.test(`${name}: failures and broken streams are errors`, async t => {
    await t.rejects(generateText({ model: chat(LLAMA), maxRetries: 0, prompt: 'fail with code 4006' }), { statusCode: 429, message: /daily free allocation/ })
    const errors = []
    const { fullStream } = streamText({ model: chat(LLAMA), maxRetries: 0, prompt: 'break after 3 frames, say 10 words', onError: ({ error }) => { errors.push(error) } })
    const types = (await read(fullStream)).map(({ type }) => type)
    t.ok(types.includes('text-delta') && types.includes('error'))
    t.equal(errors.length, 1)
  })
}

t.test('texts are embedded', async t => {
  const { embeddings } = await embedMany({ model: compatible.textEmbeddingModel(EMBEDDER), values: ['rain', 'sun'] })
  t.strictSame(embeddings.map(({ length }) => length), [1_024, 1_024])
})
