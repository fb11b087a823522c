import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Agent } from '@mastra/core/agent'
import { createTool } from '@mastra/core/tools'
import t from 'tap'
import { z } from 'zod'
import { GLM, LLAMA, startServer } from '../../start-server.ts'

const { baseURL } = await startServer(t)
const compatible = createOpenAICompatible({ name: 'workers-ai', baseURL, includeUsage: true, supportsStructuredOutputs: true })
const openAi = createOpenAI({ baseURL, apiKey: 'unused' })

const weather = createTool({
  id: 'get_weather',
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ context }) => `sunny in ${context.city}`
})
const schema = z.object({ city: z.string(), degrees: z.number() })
const CALL = 'call tool get_weather with {"city":"Oslo"}'

function agent (model, tools = {}) {
  return new Agent({ name: 'helper', instructions: 'Be brief.', model, tools, maxRetries: 0 })
}

async function read (stream) {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

for (const id of [LLAMA, GLM]) {
  for (const { name, model } of [{ name: 'chat', model: compatible(id) }, { name: 'responses', model: openAi(id) }]) {
    t.test(`${name}: ${id} answers, whole and streamed`, async t => {
      const { text, usage } = await agent(model).generate('say one two three')
      t.equal(text, 'one two three')
      t.ok(usage.totalTokens)
      t.equal(await read((await agent(model).stream('say one two three')).textStream), 'one two three')
    })

    t.test(`${name}: ${id} works with a tool until it has an answer, whole and streamed`, async t => {
      const tools = { get_weather: weather }
      const { text, steps } = await agent(model, tools).generate(CALL, { maxSteps: 3 })
      t.match(text, /sunny in Oslo/)
      t.equal(steps.length, 2)
      t.match(await read((await agent(model, tools).stream(CALL, { maxSteps: 3 })).textStream), /sunny in Oslo/)
    })

    t.test(`${name}: ${id} answers in the shape of a schema`, async t => {
      const { object } = await agent(model).generate('What is the weather in Oslo?', { structuredOutput: { schema } })
      t.match(object, { city: String, degrees: Number })
    })
  }
}

t.test('a failure is an error', async t => {
  await t.rejects(agent(compatible(LLAMA)).generate('fail with code 4006', { modelSettings: { maxRetries: 0 } }), { message: /daily free allocation/ })
})
