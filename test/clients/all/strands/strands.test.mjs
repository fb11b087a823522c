import { Agent, tool } from '@strands-agents/sdk'
import { OpenAIModel } from '@strands-agents/sdk/models/openai'
import t from 'tap'
import { z } from 'zod'
import { GLM, LLAMA, startServer } from '../../start-server.ts'

const { baseURL } = await startServer(t)
const weather = tool({ name: 'get_weather', description: 'The weather of a city', inputSchema: z.object({ city: z.string() }), callback: ({ city }) => `sunny in ${city}` })
const schema = z.object({ city: z.string(), degrees: z.number() })

function agent (api, modelId, given = {}) {
  const model = new OpenAIModel({ api, modelId, apiKey: 'unused', clientConfig: { baseURL, maxRetries: 0 } })
  return new Agent({ model, printer: false, ...given })
}

for (const api of ['chat', 'responses']) {
  for (const id of [LLAMA, GLM]) {
    t.test(`${api}: ${id} answers, streamed as it always does`, async t => {
      const { stopReason, lastMessage, metrics } = await agent(api, id, { systemPrompt: 'Be brief.' }).invoke('say one two three')
      t.equal(stopReason, 'endTurn')
      t.match(lastMessage.content.at(-1), { text: 'one two three' })
      t.ok(metrics.accumulatedUsage.totalTokens)
    })

    t.test(`${api}: ${id} works with a tool until it has an answer`, async t => {
      const helper = agent(api, id, { tools: [weather] })
      const { lastMessage } = await helper.invoke('call tool get_weather with {"city":"Oslo"}')
      t.match(lastMessage.content.at(-1).text, /sunny in Oslo/)
      t.strictSame(helper.messages.map(({ role }) => role), ['user', 'assistant', 'user', 'assistant'])
    })

    t.test(`${api}: ${id} answers in the shape of a schema`, async t => {
      const { structuredOutput } = await agent(api, id, { structuredOutputSchema: schema }).invoke('What is the weather in Oslo?')
      t.match(structuredOutput, { city: String, degrees: Number })
    })
  }

  t.test(`${api}: failures and broken streams are errors`, async t => {
    await t.rejects(agent(api, LLAMA).invoke('fail with code 8001'), { message: /Invalid input/ })
    await t.rejects(agent(api, LLAMA).invoke('break after 3 frames, say 10 words'))
  })
}
