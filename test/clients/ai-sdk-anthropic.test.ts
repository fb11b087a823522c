import { createAnthropic } from '@ai-sdk/anthropic'
import { createAnthropic as createAnthropic5 } from '@ai-sdk/anthropic-5'
import { createAnthropic as createAnthropic7 } from '@ai-sdk/anthropic-7'
import * as ai6 from 'ai'
import * as ai5 from 'ai-5'
import * as ai7 from 'ai-7'
import t from 'tap'
import { z } from 'zod'
import { checkedFetch } from './checked-fetch.ts'
import { GLM, LLAMA, MODELS, startServer } from './start-server.ts'

/** What a program written for version 6 calls, which the other versions have, too. */
type Library = Pick<typeof ai6, 'generateObject' | 'generateText' | 'stepCountIs' | 'streamObject' | 'streamText' | 'tool'>

interface Version {
  version: number
  library: Library
  models: readonly string[]
  chat: (id: string) => ai6.LanguageModel
}

const { baseURL } = await startServer(t)
const options = { baseURL, apiKey: 'unused', fetch: checkedFetch(t) }

const VERSIONS = [
  { version: 5, models: [LLAMA, GLM], library: ai5, chat: createAnthropic5(options) },
  { version: 6, models: MODELS, library: ai6, chat: createAnthropic(options) },
  { version: 7, models: [LLAMA, GLM], library: ai7, chat: createAnthropic7({ baseURL, authToken: 'unused', fetch: options.fetch }) }
] as unknown as Version[]

const weather = z.object({ city: z.string(), degrees: z.number().int() })
const CALL = 'call tool get_weather with {"city":"Oslo"}'
const TWO_STEPS = [{ finishReason: 'tool-calls', toolCalls: [{ toolName: 'get_weather', input: { city: 'Oslo' } }] }, { finishReason: 'stop' }]

for (const { version, library, models, chat } of VERSIONS) {
  const { generateObject, generateText, stepCountIs, streamObject, streamText, tool } = library
  const tools = { get_weather: tool({ description: 'The weather of a city', inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => `sunny in ${city}` }) }

  for (const id of models) {
    const model = chat(id)

    t.test(`ai ${version}: ${id} writes a text, whole and streamed`, async t => {
      const { text, finishReason, usage } = await generateText({ model, system: 'Be brief.', prompt: 'say Hello there' })
      t.match({ text, finishReason }, { text: 'Hello there', finishReason: 'stop' })
      t.ok(usage.inputTokens && usage.outputTokens)
      const streamed = streamText({ model, prompt: 'say Hello there' })
      t.equal(await streamed.text, 'Hello there')
      t.equal(await streamed.finishReason, 'stop')
      t.ok((await streamed.usage).inputTokens)
    })

    t.test(`ai ${version}: ${id} takes two steps with a tool, whole and streamed`, async t => {
      const given = { model, tools, stopWhen: stepCountIs(3), prompt: CALL }
      const { text, steps } = await generateText(given)
      t.equal(text, 'The tool answered: sunny in Oslo')
      t.match(steps, TWO_STEPS)
      const streamed = streamText(given)
      t.equal(await streamed.text, 'The tool answered: sunny in Oslo')
      t.match(await streamed.steps, TWO_STEPS)
    })

    t.test(`ai ${version}: ${id} answers in the shape of a schema, whole and streamed`, async t => {
      const given = { model, schema: weather, prompt: 'What is the weather in Oslo?' }
      const { object } = await generateObject(given)
      t.match(object, { city: String, degrees: Number })
      const streamed = streamObject(given)
      let last: unknown
      for await (const partial of streamed.partialObjectStream) last = partial
      t.match(last, object)
    })
  }

  t.test(`ai ${version}: what a model thought comes apart from its text`, async t => {
    const given = { model: chat(GLM), prompt: 'think hard then say yes', providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 2_000 } } } }
    const whole = await generateText(given)
    t.match({ text: whole.text, reasoning: whole.reasoningText }, { text: 'yes', reasoning: 'hard' })
    const streamed = streamText(given)
    t.match({ text: await streamed.text, reasoning: await streamed.reasoningText }, { text: 'yes', reasoning: 'hard' })
  })

  t.test(`ai ${version}: failures and broken streams are errors`, async t => {
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
