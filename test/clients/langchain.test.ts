import { HumanMessage, SystemMessage, ToolMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai'
import t from 'tap'
import { z } from 'zod'
import { LLAMA, MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)

function chat (model: string): ChatOpenAI {
  return new ChatOpenAI({ model, apiKey: 'unused', maxRetries: 0, configuration: { baseURL } })
}

const weather = tool(({ city }) => `sunny in ${city}`, {
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
  t.test(`${model} is invoked`, async t => {
    const answer = await chat(model).invoke([new SystemMessage('Be brief.'), new HumanMessage('say Hello there')])
    t.equal(answer.content, 'Hello there')
    t.equal(answer.response_metadata['finish_reason'], 'stop')
    t.match(answer.usage_metadata, { input_tokens: Number, output_tokens: Number, total_tokens: Number })
  })

  t.test(`${model} streams, and says what it cost`, async t => {
    const whole = await joined(chat(model).stream('say one two three'))
    t.equal(whole.content, 'one two three')
    t.equal(whole.response_metadata['finish_reason'], 'stop')
    t.match(whole.usage_metadata, { input_tokens: Number, output_tokens: Number, total_tokens: Number })
  })

  t.test(`${model} works with a tool, whole and streamed`, async t => {
    const bound = chat(model).bindTools([weather])
    const messages: BaseMessage[] = [new HumanMessage('call tool get_weather with {"city":"Oslo"}')]

    const call = await bound.invoke(messages)
    t.match(call.tool_calls, [{ name: 'get_weather', args: { city: 'Oslo' }, id: /^call_/ }])
    const streamed = await joined(bound.stream(messages))
    t.match(streamed.tool_calls, [{ name: 'get_weather', args: { city: 'Oslo' }, id: /^call_/ }])

    for (const asked of [call, streamed]) {
      const [toolCall] = asked.tool_calls ?? []
      const result: unknown = await weather.invoke(toolCall as never)
      t.ok(result instanceof ToolMessage)
      const answer = await bound.invoke([...messages, asked, result as ToolMessage])
      t.equal(answer.content, 'The tool answered: sunny in Oslo')
      t.strictSame(answer.tool_calls, [])
    }
  })

  t.test(`${model} answers in the shape of a schema`, async t => {
    const structured = chat(model).withStructuredOutput(z.object({ city: z.string(), degrees: z.number().int() }), { name: 'weather', method: 'jsonSchema' })
    t.match(await structured.invoke('What is the weather in Oslo?'), { city: String, degrees: Number })
  })
}

t.test('a stream that breaks throws', async t => {
  await t.rejects(joined(chat(LLAMA).stream('break after 3 frames, say 10 words')), { message: /ended the answer before its end/ })
})

t.test('a failure arrives with its status and code', async t => {
  await t.rejects(chat(LLAMA).invoke('fail with code 4006'), { status: 429, code: 'insufficient_quota' })
  await t.rejects(chat('gpt-4').invoke('hi'), { status: 404, code: 'model_not_found' })
})

t.test('documents and questions are embedded alike', async t => {
  for (const model of ['@cf/baai/bge-base-en-v1.5', '@cf/qwen/qwen3-embedding-0.6b']) {
    const embeddings = new OpenAIEmbeddings({ model, apiKey: 'unused', batchSize: 300, maxRetries: 0, configuration: { baseURL } })
    const documents = Array.from({ length: 250 }, (_, index) => `document ${index}`)
    const vectors = await embeddings.embedDocuments(documents)
    t.equal(vectors.length, 250)
    t.strictSame(vectors[249], await embeddings.embedQuery('document 249'), model)
    t.ok(Math.abs(Math.hypot(...vectors[0] ?? []) - 1) < 1e-5)
  }
  const cut = new OpenAIEmbeddings({ model: '@cf/google/embeddinggemma-300m', dimensions: 256, apiKey: 'unused', maxRetries: 0, configuration: { baseURL } })
  t.equal((await cut.embedQuery('a')).length, 256)
})

t.test('a text is completed', async t => {
  const model = new OpenAI({ model: LLAMA, apiKey: 'unused', maxRetries: 0, configuration: { baseURL } })
  t.equal(await model.invoke('say Hello there'), 'Hello there')
  const pieces: string[] = []
  for await (const piece of await model.stream('say one two three')) pieces.push(piece)
  t.equal(pieces.join(''), 'one two three')
})
