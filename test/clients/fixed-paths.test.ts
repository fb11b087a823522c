import Groq from 'groq-sdk'
import { AzureOpenAI } from 'openai'
import t from 'tap'
import { EMBEDDER, GLM, LLAMA, startServer } from './start-server.ts'

// These clients make their paths themselves, and take none but the beginning of one.
const { baseURL } = await startServer(t, { env: { API_KEYS: 'secret' }, flags: ['--max-retries', '0'] })
const origin = new URL(baseURL).origin

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }
const tools = [{ type: 'function' as const, function: { name: 'get_weather', description: 'The weather of a city', parameters } }]

function saying (model: string, content: string) {
  return { model, messages: [{ role: 'user' as const, content }] }
}

function azure (model: string): AzureOpenAI {
  return new AzureOpenAI({ endpoint: origin, apiKey: 'secret', apiVersion: '2024-10-21', deployment: model, maxRetries: 0 })
}

for (const model of [LLAMA, GLM]) {
  for (const { name, client } of [{ name: 'AzureOpenAI', client: azure(model) }, { name: 'groq-sdk', client: new Groq({ baseURL: origin, apiKey: 'secret', maxRetries: 0 }) as unknown as AzureOpenAI }]) {
    t.test(`${name}: ${model} answers, whole and streamed`, async t => {
      const { choices, usage } = await client.chat.completions.create(saying(model, 'say one two three'))
      t.match(choices, [{ message: { content: 'one two three' }, finish_reason: 'stop' }])
      t.ok(usage?.total_tokens)
      let text = ''
      for await (const { choices: [choice] } of await client.chat.completions.create({ ...saying(model, 'say one two three'), stream: true })) text += choice?.delta.content ?? ''
      t.equal(text, 'one two three')
    })

    t.test(`${name}: ${model} answers with what a tool said, and in the shape of a schema`, async t => {
      const body = { ...saying(model, 'call tool get_weather with {"city":"Oslo"}'), tools }
      const { choices: [first] } = await client.chat.completions.create(body)
      const [call] = first?.message.tool_calls ?? []
      t.match(call, { function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } })
      const messages = [...body.messages, { role: 'assistant' as const, content: null, tool_calls: first?.message.tool_calls ?? [] }, { role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'sunny in Oslo' }]
      t.match((await client.chat.completions.create({ model, tools, messages })).choices[0]?.message.content, /sunny in Oslo/)

      const format = { type: 'json_schema' as const, json_schema: { name: 'weather', strict: true, schema: parameters } }
      const { choices: [shaped] } = await client.chat.completions.create({ ...saying(model, 'What is the weather in Oslo?'), response_format: format })
      t.match(JSON.parse(shaped?.message.content ?? ''), { city: String })
    })

    t.test(`${name}: ${model} fails with the errors the library has`, async t => {
      await t.rejects(client.chat.completions.create(saying(model, 'fail with code 4006')), { status: 429, message: /insufficient_quota|daily free allocation/ })
      const broken = await client.chat.completions.create({ ...saying(model, 'break after 3 frames, say 10 words'), stream: true })
      await t.rejects(async () => { for await (const { choices } of broken) t.equal(choices[0]?.finish_reason ?? null, null) })
    })
  }

  t.test(`AzureOpenAI: ${model} responds`, async t => {
    const client = new AzureOpenAI({ endpoint: origin, apiKey: 'secret', apiVersion: '2025-03-01-preview', maxRetries: 0 })
    t.match(await client.responses.create({ model, input: 'say one two three' }), { status: 'completed', output_text: 'one two three' })
    t.equal((await client.responses.stream({ model, input: 'say one two three' }).finalResponse()).output_text, 'one two three')
  })
}

t.test('texts are embedded, and models listed', async t => {
  const groq = new Groq({ baseURL: origin, apiKey: 'secret', maxRetries: 0 })
  const { data } = await azure(EMBEDDER).embeddings.create({ model: EMBEDDER, input: ['rain', 'sun'] })
  t.strictSame(data.map(({ embedding }) => embedding.length), [1_024, 1_024])
  const embedded = await groq.embeddings.create({ model: EMBEDDER, input: ['rain', 'sun'] })
  t.strictSame(embedded.data.map(({ embedding }) => embedding.length), [1_024, 1_024])
  t.ok((await groq.models.list()).data.some(({ id }) => id === LLAMA))
  t.ok((await azure('').models.list()).data.some(({ id }) => id === LLAMA))
})

t.test('a wrong key is refused', async t => {
  await t.rejects(new Groq({ baseURL: origin, apiKey: 'wrong', maxRetries: 0 }).models.list(), { status: 401, message: /401/ })
  await t.rejects(new AzureOpenAI({ endpoint: origin, apiKey: 'wrong', apiVersion: '2024-10-21', maxRetries: 0 }).models.list(), { status: 401, code: 'invalid_api_key' })
})
