import { createOpenAI as createOpenAI5 } from '@ai-sdk/openai-5'
import { createOpenAI as createOpenAI7 } from '@ai-sdk/openai-7'
import { createOpenAICompatible as createCompatible5 } from '@ai-sdk/openai-compatible-5'
import { createOpenAICompatible as createCompatible7 } from '@ai-sdk/openai-compatible-7'
import type * as Ai6 from 'ai'
import * as ai5 from 'ai-5'
import * as ai7 from 'ai-7'
import t from 'tap'
import { z } from 'zod'
import { EMBEDDER, GLM, LLAMA, startServer } from './start-server.ts'

/** What a program written for version 6 calls, which the other versions have, too. */
type Library = Pick<typeof Ai6, 'embedMany' | 'generateObject' | 'generateText' | 'stepCountIs' | 'streamObject' | 'streamText' | 'tool'>

interface Version {
  version: number
  library: Library
  providers: Array<{ name: string, chat: (id: string) => Ai6.LanguageModel }>
  embedding: Ai6.EmbeddingModel
}

const { baseURL } = await startServer(t)
const named = { name: 'workers-ai', baseURL, includeUsage: true, supportsStructuredOutputs: true }
const openAi = { baseURL, apiKey: 'unused' }

const VERSIONS = [
  { version: 5, library: ai5, compatible: createCompatible5(named), openAi: createOpenAI5(openAi) },
  { version: 7, library: ai7, compatible: createCompatible7(named), openAi: createOpenAI7(openAi) }
].map(({ version, library, compatible, openAi }) => ({
  version,
  library,
  providers: [
    { name: 'openai-compatible', chat: (id: string) => compatible(id) },
    { name: 'openai, chat()', chat: (id: string) => openAi.chat(id) },
    { name: 'openai, responses', chat: (id: string) => openAi(id) }
  ],
  embedding: compatible.textEmbeddingModel(EMBEDDER)
})) as unknown as Version[]

const weather = z.object({ city: z.string(), degrees: z.number().int() })
const CALL = 'call tool get_weather with {"city":"Oslo"}'
const TWO_STEPS = [{ finishReason: 'tool-calls', toolCalls: [{ toolName: 'get_weather', input: { city: 'Oslo' } }] }, { finishReason: 'stop' }]

for (const { version, library, providers, embedding } of VERSIONS) {
  const { embedMany, generateObject, generateText, stepCountIs, streamObject, streamText, tool } = library
  const tools = { get_weather: tool({ description: 'The weather of a city', inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => `sunny in ${city}` }) }

  for (const { name, chat } of providers) {
    for (const id of [LLAMA, GLM]) {
      const model = chat(id)

      t.test(`ai ${version}, ${name}: ${id} writes a text, whole and streamed`, async t => {
        const { text, finishReason, usage } = await generateText({ model, prompt: 'say Hello there' })
        t.match({ text, finishReason }, { text: 'Hello there', finishReason: 'stop' })
        t.ok(usage.totalTokens)
        const streamed = streamText({ model, prompt: 'say Hello there' })
        t.equal(await streamed.text, 'Hello there')
        t.ok((await streamed.usage).totalTokens)
      })

      t.test(`ai ${version}, ${name}: ${id} takes two steps with a tool, whole and streamed`, async t => {
        const given = { model, tools, stopWhen: stepCountIs(3), prompt: CALL }
        const { text, steps } = await generateText(given)
        t.match(text, /sunny in Oslo/)
        t.match(steps, TWO_STEPS)
        const streamed = streamText(given)
        t.match(await streamed.text, /sunny in Oslo/)
        t.match(await streamed.steps, TWO_STEPS)
      })

      t.test(`ai ${version}, ${name}: ${id} answers in the shape of a schema, whole and streamed`, async t => {
        const given = { model, schema: weather, prompt: 'What is the weather in Oslo?' }
        const { object } = await generateObject(given)
        t.match(object, { city: String, degrees: Number })
        const streamed = streamObject(given)
        let last: unknown
        for await (const partial of streamed.partialObjectStream) last = partial
        t.match(last, object)
        t.match(await streamed.object, object)
      })
    }

    t.test(`ai ${version}, ${name}: failures and broken streams are errors`, async t => {
      const ask = (prompt: string) => generateText({ model: chat(LLAMA), prompt, maxRetries: 0 })
      await t.rejects(ask('fail with code 4006'), { statusCode: 429, message: /daily free allocation/ })
      await t.rejects(ask('fail with code 8001'), { statusCode: 400, isRetryable: false, message: /Invalid input/ })

      const errors: unknown[] = []
      const { fullStream } = streamText({ model: chat(LLAMA), maxRetries: 0, prompt: 'break after 3 frames, say 10 words', onError: ({ error }) => { errors.push(error) } })
      const types: string[] = []
      for await (const { type } of fullStream) types.push(type)
      t.ok(types.includes('text-delta') && types.includes('error'))
      t.equal(errors.length, 1)
    })
  }

  t.test(`ai ${version}: texts are embedded`, async t => {
    const { embeddings, usage } = await embedMany({ model: embedding, values: ['rain', 'sun'] })
    t.strictSame(embeddings.map(({ length }) => length), [1_024, 1_024])
    t.ok(usage.tokens)
  })
}
