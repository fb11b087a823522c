import { ChatAnthropic } from '@langchain/anthropic'
import { HumanMessage, SystemMessage, ToolMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import t from 'tap'
import { z } from 'zod'
import { checkedFetch } from './checked-fetch.ts'
import { GLM, LLAMA, MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)
const fetch = checkedFetch(t)

function chat (model: string, options: Partial<ConstructorParameters<typeof ChatAnthropic>[0] & object> = {}): ChatAnthropic {
  return new ChatAnthropic({ model, apiKey: 'unused', maxTokens: 500, maxRetries: 0, anthropicApiUrl: new URL(baseURL).origin, clientOptions: { fetch }, ...options })
}

const weather = tool(({ city }: { city: string }) => `sunny in ${city}`, {
  name: 'get_weather',
  description: 'The weather of a city',
  schema: z.object({ city: z.string() })
})

/** The message a stream's chunks make together. */
async function joined (stream: Promise<AsyncIterable<AIMessageChunk>>): Promise<AIMessageChunk> {
  const chunks: AIMessageChunk[] = []
  for await (const chunk of await stream) chunks.push(chunk)
  return chunks.reduce((whole, chunk) => whole.concat(chunk))
}

for (const model of MODELS) {
  t.test(`${model} is invoked and streams, and says what it cost`, async t => {
    const answer = await chat(model).invoke([new SystemMessage('Be brief.'), new HumanMessage('say Hello there')])
    const streamed = await joined(chat(model).stream('say Hello there'))
    for (const { text, usage_metadata: usage } of [answer, streamed]) {
      t.equal(text, 'Hello there')
      t.match(usage, { input_tokens: Number, output_tokens: Number, total_tokens: Number })
    }
  })

  t.test(`${model} works with a tool, whole and streamed`, async t => {
    const bound = chat(model).bindTools([weather])
    const messages: BaseMessage[] = [new HumanMessage('call tool get_weather with {"city":"Oslo"}')]
    for (const asked of [await bound.invoke(messages), await joined(bound.stream(messages))]) {
      t.match(asked.tool_calls, [{ name: 'get_weather', args: { city: 'Oslo' }, id: /^toolu_/ }])
      const result: unknown = await weather.invoke(asked.tool_calls?.[0] as never)
      const answer = await bound.invoke([...messages, asked, result as ToolMessage])
      t.equal(answer.text, 'The tool answered: sunny in Oslo')
    }
    const { tool_calls: calls } = await chat(model).bindTools([weather], { tool_choice: 'get_weather' }).invoke('Good morning!')
    t.match(calls, [{ name: 'get_weather', args: { city: String } }])
  })

  t.test(`${model} answers in the shape of a schema`, async t => {
    const structured = chat(model).withStructuredOutput(z.object({ city: z.string(), degrees: z.number().int() }), { name: 'weather' })
    t.match(await structured.invoke('What is the weather in Oslo?'), { city: String, degrees: Number })
  })
}

t.test('what a model thinks comes apart from its text', async t => {
  const thinking = chat(GLM, { maxTokens: 4_000, thinking: { type: 'enabled', budget_tokens: 2_000 } })
  for (const answer of [await thinking.invoke('think hard then say yes'), await joined(thinking.stream('think hard then say yes'))]) {
    t.match(answer.content, [{ type: 'thinking', thinking: 'hard', signature: /./ }, { type: 'text', text: 'yes' }])
    t.equal(answer.text, 'yes')
  }
})

t.test('failures and broken streams throw', async t => {
  await t.rejects(chat(LLAMA).invoke('fail with code 4006'), { status: 429, message: /neurons/ })
  await t.rejects(chat('claude-nobody').invoke('hi'), { status: 404, message: /claude-nobody/ })
  await t.rejects(joined(chat(LLAMA).stream('break after 3 frames, say 10 words')), { message: /ended the answer before its end/ })
})
