import { tool } from '@llamaindex/core/tools'
import type { ChatMessage, PartialToolCall, ToolCall, ToolCallLLMMessageOptions } from '@llamaindex/core/llms'
import { OpenAI, OpenAIEmbedding, OpenAIResponses } from '@llamaindex/openai'
import { agent } from '@llamaindex/workflow'
import t from 'tap'
import { z } from 'zod'
import { EMBEDDER, MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)

const weather = tool({
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `sunny in ${city}`
})

function saying (content: string): ChatMessage[] {
  return [{ role: 'system', content: 'Be brief.' }, { role: 'user', content }]
}

function toolCallsOf ({ options }: ChatMessage<ToolCallLLMMessageOptions>): Array<ToolCall | PartialToolCall> {
  return options && 'toolCall' in options ? options.toolCall : []
}

for (const model of MODELS) {
  const llm = new OpenAI({ model, apiKey: 'unused', baseURL })

  t.test(`${model} chats, whole and streamed`, async t => {
    const { message } = await llm.chat({ messages: saying('say Hello there') })
    t.equal(message.content, 'Hello there')
    let text = ''
    for await (const { delta } of await llm.chat({ messages: saying('say Hello there'), stream: true })) text += delta
    t.equal(text, 'Hello there')
  })

  t.test(`${model} calls a tool, whole and streamed`, async t => {
    const given = { messages: saying('call tool get_weather with {"city":"Oslo"}'), tools: [weather] }
    const { message } = await llm.chat(given)
    t.match(message.options, { toolCall: [{ name: 'get_weather', id: /^call_/ }] })
    let last: object | undefined
    for await (const { options } of await llm.chat({ ...given, stream: true })) last = options ?? last
    t.match(last, { toolCall: [{ name: 'get_weather', input: { city: 'Oslo' } }] })
  })

  t.test(`${model} is an agent that works with a tool until it has an answer`, async t => {
    const { data } = await agent({ llm, tools: [weather] }).run('call tool get_weather with {"city":"Oslo"}')
    t.equal(data.result, 'The tool answered: sunny in Oslo')
  })

  t.test(`${model} answers in the shape of a schema`, async t => {
    const { message } = await llm.chat({ messages: saying('What is the weather in Oslo?'), responseFormat: z.object({ city: z.string(), degrees: z.number() }) })
    t.match(JSON.parse(String(message.content)), { city: String, degrees: Number })
  })
}

for (const model of MODELS) {
  const llm = new OpenAIResponses({ model, apiKey: 'unused', baseURL })

  // not streamed: it tells the last piece of a text again with every event that follows, whoever serves it
  t.test(`responses: ${model} chats`, async t => {
    const { message } = await llm.chat({ messages: saying('say Hello there') })
    t.equal(message.content, 'Hello there')
  })

  t.test(`responses: ${model} calls a tool, and answers with its result`, async t => {
    const messages: ChatMessage<ToolCallLLMMessageOptions>[] = saying('call tool get_weather with {"city":"Oslo"}')
    const { message } = await llm.chat({ messages, tools: [weather] })
    const [call] = toolCallsOf(message)
    t.match(call, { name: 'get_weather', id: /^call_/ })
    const options = { toolResult: { id: call?.id ?? '', result: 'sunny in Oslo', isError: false } }
    const answer = await llm.chat({ messages: [...messages, message, { role: 'user', content: 'sunny in Oslo', options }], tools: [weather] })
    t.equal(answer.message.content, 'The tool answered: sunny in Oslo')
  })
}

t.test('texts are embedded', async t => {
  const embedding = new OpenAIEmbedding({ model: EMBEDDER, apiKey: 'unused', baseURL })
  const [rain, sun] = await embedding.getTextEmbeddings(['rain', 'sun'])
  t.equal(rain?.length, 1024)
  t.strictSame(await embedding.getTextEmbedding('sun'), sun)
})
