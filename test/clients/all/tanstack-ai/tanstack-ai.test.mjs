import { chat, maxIterations, toolDefinition } from '@tanstack/ai'
import { openaiCompatibleText } from '@tanstack/ai-openai/compatible'
import t from 'tap'
import { z } from 'zod'
import { GLM, LLAMA, startServer } from '../../start-server.ts'

const { baseURL } = await startServer(t)
const weather = toolDefinition({ name: 'get_weather', description: 'The weather of a city', inputSchema: z.object({ city: z.string() }), outputSchema: z.object({ sky: z.string() }) }).server(async ({ city }) => ({ sky: `sunny in ${city}` }))
const schema = z.object({ city: z.string(), degrees: z.number() })

function saying (api, model, content) {
  return { adapter: openaiCompatibleText(model, { api, baseURL, apiKey: 'unused', maxRetries: 0 }), messages: [{ role: 'user', content }] }
}

async function read (stream) {
  const events = []
  for await (const event of stream) events.push(event)
  return events
}

function textOf (events) {
  return events.map(({ type, delta }) => type === 'TEXT_MESSAGE_CONTENT' ? delta : '').join('')
}

for (const api of ['chat-completions', 'responses']) {
  for (const id of [LLAMA, GLM]) {
    t.test(`${api}: ${id} answers, whole and streamed`, async t => {
      t.equal(await chat({ ...saying(api, id, 'say one two three'), stream: false }), 'one two three')
      const events = await read(chat(saying(api, id, 'say one two three')))
      t.equal(textOf(events), 'one two three')
      t.match(events.find(({ type }) => type === 'RUN_FINISHED'), { usage: { totalTokens: Number } })
    })

    t.test(`${api}: ${id} works with a tool until it has an answer`, async t => {
      const events = await read(chat({ ...saying(api, id, 'call tool get_weather with {"city":"Oslo"}'), tools: [weather], agentLoopStrategy: maxIterations(3) }))
      t.match(textOf(events), /sunny in Oslo/)
      t.ok(events.some(({ type }) => type === 'TOOL_CALL_END'))
    })

    t.test(`${api}: ${id} answers in the shape of a schema`, async t => {
      t.match(await chat({ ...saying(api, id, 'What is the weather in Oslo?'), outputSchema: schema }), { city: String, degrees: Number })
    })
  }

  t.test(`${api}: failures and broken streams are errors`, async t => {
    for (const words of ['fail with code 4006', 'break after 3 frames, say 10 words']) {
      const events = await read(chat(saying(api, LLAMA, words))).catch(error => [{ type: 'RUN_ERROR', error }])
      t.equal(events.at(-1).type, 'RUN_ERROR', words)
    }
  })
}
