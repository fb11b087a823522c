import { Agent, run, setDefaultOpenAIClient, setOpenAIAPI, setTracingDisabled, tool } from '@openai/agents'
import OpenAI from 'openai'
import t from 'tap'
import { z } from 'zod'
import { MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)
setDefaultOpenAIClient(new OpenAI({ baseURL, apiKey: 'unused' }))
setTracingDisabled(true)

/** How the ids of each API's answers begin. */
const API_IDS = { chat_completions: /^chatcmpl-/, responses: /^resp_/ }

const weather = tool({
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`
})

for (const api of ['chat_completions', 'responses'] as const) {
  for (const model of MODELS) {
    t.test(`${api}: ${model} works with a tool until it has an answer, whole and streamed`, async t => {
      setOpenAIAPI(api)
      const agent = new Agent({ name: 'Helper', instructions: 'Be brief.', model, tools: [weather] })
      const question = 'call tool get_weather with {"city":"Oslo"}'
      const whole = await run(agent, question)
      t.match(whole.lastResponseId, API_IDS[api], 'by that API')
      t.equal(whole.finalOutput, 'The tool answered: sunny in Oslo')

      const streamed = await run(agent, question, { stream: true })
      let text = ''
      for await (const piece of streamed.toTextStream()) text += piece
      await streamed.completed
      t.equal(text, 'The tool answered: sunny in Oslo')

      for (const { newItems, state: { usage } } of [whole, streamed]) {
        t.strictSame(newItems.map(({ type }) => type).filter(type => type !== 'reasoning_item'), ['tool_call_item', 'tool_call_output_item', 'message_output_item'])
        t.match(usage, { requests: 2, totalTokens: usage.inputTokens + usage.outputTokens })
        t.ok(usage.outputTokens)
      }
    })

    t.test(`${api}: ${model} hands over to another agent, which works with its tool`, async t => {
      setOpenAIAPI(api)
      const forecaster = new Agent({ name: 'Forecaster', instructions: 'Tell the weather.', model, tools: [weather], modelSettings: { toolChoice: 'required' } })
      const desk = new Agent({ name: 'Desk', instructions: 'Find who can help.', model, handoffs: [forecaster] })
      const { lastAgent, finalOutput, newItems } = await run(desk, 'call tool transfer_to_Forecaster')
      t.equal(lastAgent?.name, 'Forecaster')
      t.match(finalOutput, /^The tool answered: .*sunny in /)
      t.strictSame(newItems.map(({ type }) => type).filter(type => type !== 'reasoning_item'), ['handoff_call_item', 'handoff_output_item', 'tool_call_item', 'tool_call_output_item', 'message_output_item'])
    })

    t.test(`${api}: ${model} answers in the shape of a schema`, async t => {
      setOpenAIAPI(api)
      const agent = new Agent({ name: 'Forecaster', model, tools: [weather], outputType: z.object({ city: z.string(), degrees: z.number().int() }) })
      const { finalOutput } = await run(agent, 'call tool get_weather with {"city":"Oslo"}')
      t.match(finalOutput, { city: String, degrees: Number })
    })
  }
}
