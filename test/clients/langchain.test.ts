import { HumanMessage, SystemMessage, ToolMessage, type AIMessageChunk, type BaseMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAI, OpenAIEmbeddings, type ChatOpenAIFields } from '@langchain/openai'
import t from 'tap'
import { z } from 'zod'
import { LLAMA, MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)

function chat (model: string, api: 'chat' | 'responses' = 'chat', options: ChatOpenAIFields = {}): ChatOpenAI {
  return new ChatOpenAI({ model, apiKey: 'unused', useResponsesApi: api === 'responses', configuration: { baseURL }, ...options })
}

const weather = tool(({ city }) => `sunny in ${city}`, {
  name: 'get_weather',
  description: 'The weather of a city',
  schema: z.object({ city: z.string() })
})

/** How each API says that an answer is whole. */
const END = { chat: { finish_reason: 'stop' }, responses: { status: 'completed' } }

const weatherReport = z.object({ city: z.string(), degrees: z.number().int() })

/** The message a stream's chunks make together. */
async function joined (stream: Promise<AsyncIterable<AIMessageChunk>>): Promise<AIMessageChunk> {
  const chunks: AIMessageChunk[] = []
  for await (const chunk of await stream) chunks.push(chunk)
  return chunks.reduce((whole, chunk) => whole.concat(chunk))
}

for (const api of ['chat', 'responses'] as const) {
  for (const model of MODELS) {
    t.test(`${api}: ${model} is invoked`, async t => {
      const answer = await chat(model, api).invoke([new SystemMessage('Be brief.'), new HumanMessage('say Hello there')])
      t.equal(answer.text, 'Hello there')
      t.match(answer.response_metadata, END[api])
      t.match(answer.usage_metadata, { input_tokens: Number, output_tokens: Number, total_tokens: Number })
    })

    t.test(`${api}: ${model} streams, and says what it cost`, async t => {
      const whole = await joined(chat(model, api).stream('say one two three'))
      t.equal(whole.text, 'one two three')
      t.match(whole.response_metadata, END[api])
      t.match(whole.usage_metadata, { input_tokens: Number, output_tokens: Number, total_tokens: Number })
    })

    t.test(`${api}: ${model} works with a tool, whole and streamed`, async t => {
      const bound = chat(model, api).bindTools([weather])
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
        t.equal(answer.text, 'The tool answered: sunny in Oslo')
        t.strictSame(answer.tool_calls, [])
      }
    })

    for (const method of ['jsonSchema', 'functionCalling', 'jsonMode'] as const) {
      t.test(`${api}: ${model} answers in the shape of a schema by ${method}`, async t => {
        // nothing but the message tells a model in JSON mode which members are wanted
        const question = method === 'jsonMode' ? 'say {"city":"Oslo","degrees":7}' : 'What is the weather in Oslo?'
        const structured = chat(model, api).withStructuredOutput(weatherReport, { name: 'weather', method })
        t.match(await structured.invoke(question), { city: String, degrees: Number })

        // LangChain's parser of calls takes no chunks whose content is a list, and those of the Responses API all are
        if (api === 'chat' || method !== 'functionCalling') {
          let last: unknown
          for await (const report of await structured.stream(question)) last = report
          t.match(last, { city: String, degrees: Number }, 'streamed')
        }

        const withRaw = chat(model, api).withStructuredOutput(weatherReport, { name: 'weather', method, includeRaw: true })
        const { raw, parsed } = await withRaw.invoke(question)
        t.match(parsed, { city: String, degrees: Number })
        t.match(raw.response_metadata, { model_name: model })
      })
    }

    t.test(`${api}: ${model} calls the tool it must`, async t => {
      const { tool_calls: calls } = await chat(model, api).bindTools([weather], { tool_choice: 'get_weather' }).invoke('Good morning!')
      t.match(calls, [{ name: 'get_weather', args: { city: String } }])
    })
  }
}

for (const api of ['chat', 'responses'] as const) {
  t.test(`${api}: a stream that breaks throws`, async t => {
    await t.rejects(joined(chat(LLAMA, api, { maxRetries: 0 }).stream('break after 3 frames, say 10 words')), { message: /ended the answer before its end/ })
  })

  t.test(`${api}: a failure arrives with its status and code`, async t => {
    await t.rejects(chat(LLAMA, api, { maxRetries: 0 }).invoke('fail with code 4006'), { status: 429, code: 'insufficient_quota' })
    await t.rejects(chat('gpt-4', api, { maxRetries: 0 }).invoke('hi'), { status: 404, code: 'model_not_found' })
  })
}

t.test('documents and questions are embedded alike', async t => {
  for (const model of ['@cf/baai/bge-base-en-v1.5', '@cf/qwen/qwen3-embedding-0.6b']) {
    const embeddings = new OpenAIEmbeddings({ model, apiKey: 'unused', batchSize: 300, configuration: { baseURL } })
    const documents = Array.from({ length: 250 }, (_, index) => `document ${index}`)
    const vectors = await embeddings.embedDocuments(documents)
    t.equal(vectors.length, 250)
    t.strictSame(vectors[249], await embeddings.embedQuery('document 249'), model)
    t.ok(Math.abs(Math.hypot(...vectors[0] ?? []) - 1) < 1e-5)
  }
  const cut = new OpenAIEmbeddings({ model: '@cf/google/embeddinggemma-300m', dimensions: 256, apiKey: 'unused', configuration: { baseURL } })
  t.equal((await cut.embedQuery('a')).length, 256)
})

t.test('a text is completed', async t => {
  const model = new OpenAI({ model: LLAMA, apiKey: 'unused', configuration: { baseURL } })
  t.equal(await model.invoke('say Hello there'), 'Hello there')
  const pieces: string[] = []
  for await (const piece of await model.stream('say one two three')) pieces.push(piece)
  t.equal(pieces.join(''), 'one two three')
})
