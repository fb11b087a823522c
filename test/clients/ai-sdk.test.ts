import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from 'ai'
import t from 'tap'
import { z } from 'zod'
import { GLM, LLAMA, MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)
const workersAi = createOpenAICompatible({ name: 'workers-ai', baseURL, includeUsage: true, supportsStructuredOutputs: true })

const tools = {
  get_weather: tool({
    description: 'The weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`
  })
}

for (const id of MODELS) {
  const model = workersAi(id)

  t.test(`${id} writes a text`, async t => {
    const { text, finishReason, usage } = await generateText({ model, system: 'Be brief.', prompt: 'say Hello there' })
    t.equal(text, 'Hello there')
    t.equal(finishReason, 'stop')
    t.ok(usage.totalTokens && usage.totalTokens === (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0))
  })

  t.test(`${id} streams a text, and says what it cost`, async t => {
    const result = streamText({ model, prompt: 'say one two three' })
    let text = ''
    for await (const piece of result.textStream) text += piece
    t.equal(text, 'one two three')
    t.equal(await result.finishReason, 'stop')
    t.ok((await result.usage).totalTokens)
  })

  t.test(`${id} takes two steps with a tool, whole and streamed`, async t => {
    const prompt = 'call tool get_weather with {"city":"Oslo"}'
    const { text, steps } = await generateText({ model, tools, stopWhen: stepCountIs(3), prompt })
    t.equal(text, 'The tool answered: sunny in Oslo')
    t.match(steps, [{ finishReason: 'tool-calls', toolCalls: [{ toolName: 'get_weather', input: { city: 'Oslo' } }] }, { finishReason: 'stop' }])

    const streamed = streamText({ model, tools, stopWhen: stepCountIs(3), prompt })
    t.equal(await streamed.text, 'The tool answered: sunny in Oslo')
    t.match(await streamed.steps, [{ finishReason: 'tool-calls', toolCalls: [{ toolName: 'get_weather', input: { city: 'Oslo' } }] }, { finishReason: 'stop' }])
    t.ok((await streamed.totalUsage).totalTokens)
  })

  t.test(`${id} answers in the shape of a schema`, async t => {
    const { object } = await generateObject({ model, schema: z.object({ city: z.string(), degrees: z.number().int() }), prompt: 'What is the weather in Oslo?' })
    t.match(object, { city: String, degrees: Number })
  })
}

t.test('what a model thought comes apart from its text', async t => {
  const whole = await generateText({ model: workersAi(GLM), prompt: 'think hard then say yes' })
  t.match({ text: whole.text, reasoning: whole.reasoningText }, { text: 'yes', reasoning: 'hard' })
  const streamed = streamText({ model: workersAi(GLM), prompt: 'think hard then say yes' })
  t.match({ text: await streamed.text, reasoning: await streamed.reasoningText }, { text: 'yes', reasoning: 'hard' })
})

t.test('a stream that breaks is an error, not an end', async t => {
  const errors: unknown[] = []
  const types: string[] = []
  const { fullStream } = streamText({ model: workersAi(LLAMA), prompt: 'break after 3 frames, say 10 words', onError: ({ error }) => { errors.push(error) } })
  for await (const { type } of fullStream) types.push(type)
  t.ok(types.includes('text-delta'), 'what had come was read')
  t.ok(types.includes('error'))
  t.equal(errors.length, 1)
})

t.test('a failure arrives with its status, and says whether it may pass', async t => {
  const ask = (prompt: string) => generateText({ model: workersAi(LLAMA), prompt, maxRetries: 0 })
  await t.rejects(ask('fail with code 4006'), { statusCode: 429, message: /daily free allocation/ })
  await t.rejects(ask('fail with code 8001'), { statusCode: 400, isRetryable: false, message: /Invalid input/ })
})

t.test('texts are embedded', async t => {
  const values = Array.from({ length: 120 }, (_, index) => `text ${index}`)
  const { embeddings, usage } = await embedMany({ model: workersAi.embeddingModel('@cf/baai/bge-m3'), values })
  t.strictSame(embeddings.map(({ length }) => length), values.map(() => 1_024))
  t.ok(usage.tokens > 120)
})
