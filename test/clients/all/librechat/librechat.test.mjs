import { HumanMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { createContentAggregator, GraphEvents, ModelEndHandler, Providers, Run, ToolEndHandler } from '@librechat/agents'
import t from 'tap'
import { GLM, LLAMA, startServer } from '../../start-server.ts'

const { baseURL } = await startServer(t)
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const weather = tool(({ city }) => `sunny in ${city}`, { name: 'get_weather', description: 'The weather of a city', schema })

/** Asks as LibreChat does: streamed, with what came put together by its own handlers. */
async function ask (api, model, content, tools = []) {
  const { contentParts, aggregateContent } = createContentAggregator()
  const usage = []
  const aggregate = { handle: (event, data) => aggregateContent({ event, data }) }
  const run = await Run.create({
    runId: `run-${Math.random()}`,
    graphConfig: {
      type: 'standard',
      llmConfig: { provider: Providers.OPENAI, model, apiKey: 'unused', maxRetries: 0, streaming: true, streamUsage: true, useResponsesApi: api === 'responses', configuration: { baseURL } },
      tools,
      instructions: 'Be brief.'
    },
    returnContent: true,
    customHandlers: {
      [GraphEvents.TOOL_END]: new ToolEndHandler(),
      [GraphEvents.CHAT_MODEL_END]: new ModelEndHandler(usage),
      [GraphEvents.ON_RUN_STEP_COMPLETED]: aggregate,
      [GraphEvents.ON_RUN_STEP]: aggregate,
      [GraphEvents.ON_RUN_STEP_DELTA]: aggregate,
      [GraphEvents.ON_MESSAGE_DELTA]: aggregate
    }
  })
  await run.processStream({ messages: [new HumanMessage(content)] }, { configurable: { thread_id: 'thread' }, streamMode: 'values', version: 'v2' })
  return { parts: contentParts.filter(Boolean), usage }
}

for (const api of ['chat', 'responses']) {
  for (const model of [LLAMA, GLM]) {
    t.test(`${api}: ${model} answers`, async t => {
      const { parts, usage } = await ask(api, model, 'say one two three')
      t.match(parts.at(-1), { type: 'text', text: 'one two three' })
      t.ok(usage[0].total_tokens)
    })

    t.test(`${api}: ${model} works with a tool until it has an answer`, async t => {
      const { parts } = await ask(api, model, 'call tool get_weather with {"city":"Oslo"}', [weather])
      t.match(parts.find(({ type }) => type === 'tool_call'), { tool_call: { name: 'get_weather', output: 'sunny in Oslo' } })
      t.match(parts.at(-1), { type: 'text', text: /sunny in Oslo/ })
    })
  }

  t.test(`${api}: failures and broken streams are errors`, async t => {
    await t.rejects(ask(api, LLAMA, 'fail with code 4006'), { message: /daily free allocation/ })
    await t.rejects(ask(api, LLAMA, 'break after 3 frames, say 10 words'))
  })
}
